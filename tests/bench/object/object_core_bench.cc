#include <chrono>
#include <cstdio>
#include <vector>

#include "integrations/object/filter.h"
#include "keymanager/base/secure_bytes.h"
#include "keymanager/crypto/aes_ctr.h"

// MB/s of one thread: the cipher alone, a whole PUT and a whole GET through the filter, in chunks of 64 KiB.

namespace {

using namespace sallyport;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t ChunkSize = 64 * 1024;
constexpr std::size_t Total = std::size_t{512} * 1024 * 1024;

/// MB/s of `work`, which handles one chunk; 0 if it failed.
template <class Work>
double measured(Work work) {
    std::vector<std::byte> chunk(ChunkSize);
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t done = 0; done < Total; done += ChunkSize) {
        if (!work(std::span(chunk))) return 0;
    }
    return static_cast<double>(Total) / 1e6 / Seconds(std::chrono::steady_clock::now() - begin).count();
}

Result<int> run() {
    std::vector<object::RootSecrets::Entry> entries;
    entries.push_back({ "", TRY(SecureBytes::of_size(32)) });
    const auto secrets = TRY(object::RootSecrets::create(std::move(entries), ""));

    const auto key = TRY(SecureBytes::of_size(32));
    auto cipher = TRY(crypto::AesCtr::create(key, {}));
    const double cipher_speed = measured([&](std::span<std::byte> chunk) { return cipher.apply(chunk).has_value(); });

    object::ObjectFilter put(secrets, object::system_random());
    object::RequestHead put_head{"PUT", "/v1/a/c/o", {}, Total};
    if (put.on_request_head(put_head)) return Error{Code::Internal, "the PUT was refused", {}};
    const double put_speed =
        measured([&](std::span<std::byte> chunk) { return put.on_request_body(chunk).has_value(); });
    auto footers = put.on_request_end();

    object::ObjectFilter get(secrets, object::system_random());
    object::RequestHead get_head{"GET", "/v1/a/c/o", {}, {}};
    object::ResponseHead response{200, std::get<object::Headers>(footers)};
    const bool refused = get.on_request_head(get_head) || get.on_response_head(response);
    if (refused) return Error{Code::Internal, "the GET was refused", {}};
    const double get_speed =
        measured([&](std::span<std::byte> chunk) { return get.on_response_body(chunk).has_value(); });
    std::printf("%.0f %.0f %.0f\n", cipher_speed, put_speed, get_speed);
    return 0;
}

}  // namespace

int main() {
    const auto opened = open_secure_arena({.bytes = 1024 * 1024, .insecure_allow_unlocked_memory = true});
    if (!opened) return 1;
    const auto done = run();
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
    return done ? 0 : 1;
}
