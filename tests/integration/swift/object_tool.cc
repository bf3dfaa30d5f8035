#include <boost/json.hpp>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "integrations/object/directory.h"
#include "integrations/object/filter.h"
#include "integrations/object/text.h"
#include "keymanager/base/bytes.h"
#include "keymanager/base/codec.h"
#include "keymanager/base/secure_bytes.h"

// object_tool FOLDER ACTIVE_ID META_VERSION ID=SECRET_HEX[,ID=SECRET_HEX] METHOD TARGET [NAME VALUE]... < body > answer
//
// One request through our filter to our folder of objects. The answer: one line of JSON (status, headers with each byte
// of a value as the character of that number), then the body.

namespace {

using namespace sallyport;

Result<object::RootSecrets> parse_secrets(std::string_view list, const std::string& active, char version) {
    std::vector<object::RootSecrets::Entry> entries;
    while (!list.empty()) {
        const auto comma = list.find(',');
        const std::string_view entry = list.substr(0, comma);
        const auto equals = entry.find('=');
        const Bytes secret = TRY(from_hex(entry.substr(equals + 1)));
        entries.push_back({ std::string(entry.substr(0, equals)), TRY(SecureBytes::copy_of(secret)) });
        list = comma == std::string_view::npos ? "" : list.substr(comma + 1);
    }
    return object::RootSecrets::create(std::move(entries), active, static_cast<object::MetaVersion>(version - '0'));
}

Result<void> print(const object::ResponseHead& head, std::string_view body) {
    boost::json::array headers;
    for (const auto& [name, value] : head.headers) {
        headers.push_back(boost::json::array{name, object::latin1_as_utf8(value)});
    }
    std::cout << boost::json::object{{"status", head.status}, {"headers", headers}} << '\n' << body << std::flush;
    return {};
}

Result<void> run(std::span<char*> arguments) {
    const auto secrets = TRY(parse_secrets(arguments[4], arguments[2], arguments[3][0]));
    const auto upstream = TRY(object::make_directory_upstream({arguments[1]}));
    std::string body((std::istreambuf_iterator<char>(std::cin)), std::istreambuf_iterator<char>());
    object::RequestHead request{arguments[5], arguments[6], {}, body.size()};
    for (std::size_t i = 7; i + 1 < arguments.size(); i += 2) request.headers.add(arguments[i], arguments[i + 1]);

    object::ObjectFilter filter(secrets, object::system_random());
    if (const auto refused = filter.on_request_head(request)) return print(refused->head, refused->body);
    const auto exchange = TRY(upstream->start(request));
    TRY(filter.on_request_body(std::as_writable_bytes(std::span(body))));
    TRY(exchange->write(bytes_of(body)));
    auto end = filter.on_request_end();
    if (const auto* refused = std::get_if<object::Answer>(&end)) return print(refused->head, refused->body);
    auto head = TRY(exchange->finish(std::get<object::Headers>(end)));
    if (const auto refused = filter.on_response_head(head)) return print(refused->head, refused->body);
    std::string received;
    std::vector<std::byte> buffer(65536);
    while (const std::size_t read = TRY(exchange->read(buffer))) {
        const auto piece = std::span(buffer).first(read);
        if (filter.response_body() == object::ObjectFilter::Body::InPlace) TRY(filter.on_response_body(piece));
        received.append(text_of(piece));
    }
    if (filter.response_body() == object::ObjectFilter::Body::Listing) {
        auto listing = filter.on_listing(received);
        if (const auto* failed = std::get_if<object::Answer>(&listing)) return print(failed->head, failed->body);
        received = std::get<std::string>(listing);
    }
    return print(head, received);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 7) return 2;
    const auto opened = open_secure_arena({.bytes = 1024 * 1024, .insecure_allow_unlocked_memory = true});
    const auto done = opened ? run({argv, static_cast<std::size_t>(argc)}) : opened;
    if (!done) std::fprintf(stderr, "%s %s\n", done.error().message.c_str(), done.error().detail.c_str());
    return done ? 0 : 1;
}
