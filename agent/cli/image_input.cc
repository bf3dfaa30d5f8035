#include "agent/cli/image_input.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

#include "agent/cli/agent_client.h"
#include "agent/cli/progress_bar.h"
#include "agent/cli/refs.h"
#include "keymanager/base/uuid.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

// Fits the processor's second-level cache together with what hashes it, so that no byte comes from memory twice.
constexpr std::size_t BlockBytes = 256 * 1024;
constexpr std::size_t SmallFileBytes = 1024 * 1024;

class InputFile {
public:
    explicit InputFile(const std::string& path) : standard_input_(path == "-"), name_(path) {
        if (standard_input_) name_ = "standard input";
        descriptor_ = standard_input_ ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    }
    ~InputFile() {
        if (descriptor_ >= 0 && !standard_input_) ::close(descriptor_);
    }
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    Error error() const { return {Code::Io, fmt::format("{}: {}", name_, std::strerror(errno)), {}}; }
    bool is_open() const { return descriptor_ >= 0; }

    /// Of a regular file; 0 where nobody can tell.
    std::uint64_t size() const {
        struct stat facts {};
        const bool known = ::fstat(descriptor_, &facts) == 0 && S_ISREG(facts.st_mode);
        return known ? static_cast<std::uint64_t>(facts.st_size) : 0;
    }

    void will_be_read_through() const { ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL); }

    /// 0 at the end.
    Result<std::size_t> read(std::span<std::byte> into) const {
        while (true) {
            const ssize_t n = ::read(descriptor_, into.data(), into.size());
            if (n >= 0) return static_cast<std::size_t>(n);
            if (errno != EINTR) return error();
        }
    }

private:
    bool standard_input_;
    std::string name_;
    int descriptor_;
};

/// The payload of a secret of this type. Error: of the agent; `InvalidInput` for a secret of another type.
Result<SecureBytes> payload_of(const CliContext& context, const std::string& id, std::string_view type) {
    AgentClient agent = TRY(AgentClient::from_config(context));
    const std::string target = "/v1/secrets/" + id;
    const json::value facts = TRY(agent.call("GET", target));
    const json::value* const stored = facts.is_object() ? facts.get_object().if_contains("secret_type") : nullptr;
    if (stored == nullptr || *stored != json::value(type)) {
        return Error{Code::InvalidInput, fmt::format("secret {} is not stored with the type {}", id, type), {}};
    }
    api::Response response =
        TRY(agent.send("GET", target + "/payload", {{"Accept", "application/octet-stream"}}, SecureBytes()));
    if (response.status != 200) return error_of(response);
    return std::move(response.body);
}

Result<image::TrustedCertificate> trusted_from_agent(const CliContext& context, const std::string& id) {
    image::Certificate certificate = TRY(certificate_from_agent(context, id));
    return image::TrustedCertificate {
        TRY(id_of(id, "certificate"))
        , std::move(certificate)
    };
}

}  // namespace

Result<std::uint64_t> read_image(const CliContext& context, const std::string& path,
                                 const std::function<Result<void>(std::span<const std::byte>)>& take) {
    const InputFile file(path);
    if (!file.is_open()) return file.error();
    const auto bar = progress_bar(context);
    const std::uint64_t total = bar ? file.size() : 0;
    file.will_be_read_through();
    Bytes block(BlockBytes);
    std::uint64_t done = 0;
    while (true) {
        const std::size_t n = TRY(file.read(block));
        if (n == 0) return done;
        TRY(take(std::span(block).first(n)));
        done += n;
        if (total != 0 && done <= total) bar(done, total);
    }
}

Result<Bytes> read_small_file(const CliContext& context, const std::string& path) {
    Bytes whole;
    CliContext silent = context;
    silent.quiet = true;
    TRY(read_image(silent, path, [&whole, &path](std::span<const std::byte> block) -> Result<void> {
        if (whole.size() + block.size() > SmallFileBytes) {
            return Error{Code::TooLarge, fmt::format("{} is longer than {} bytes", path, SmallFileBytes), {}};
        }
        whole.insert(whole.end(), block.begin(), block.end());
        return {};
    }));
    return whole;
}

Result<image::Certificate> certificate_from_agent(const CliContext& context, const std::string& id_or_ref) {
    const auto id = id_of(id_or_ref, "certificate");
    if (!id) return image::refused("Certificate not found with ID: " + id_or_ref);
    const auto payload = payload_of(context, *id, "certificate");
    if (!payload && payload.error().code == Code::NotFound) {
        return image::refused("Certificate not found with ID: " + *id);
    }
    if (!payload) {
        Error error = image::refused("Unable to retrieve certificate with ID: " + *id);
        error.message += fmt::format(" ({})", payload.error().message);
        return error;
    }
    return image::Certificate::parse(payload->reveal());
}

Result<image::Certificate> certificate_from_file(const CliContext& context, const std::string& path) {
    auto certificate = image::Certificate::parse(TRY(read_small_file(context, path)));
    if (!certificate) return Error{Code::InvalidInput, path + ": " + certificate.error().message, {}};
    return certificate;
}

Result<TrustedCertificates> trusted_certificates(const CliContext& context, const std::vector<std::string>& names,
                                                 image::Rules rules) {
    TrustedCertificates trusted;
    for (const std::string& name : names) {
        // A file may well be called by the certificate's id.
        const bool is_file = ::access(name.c_str(), F_OK) == 0;
        if (const auto id = id_of(name, "certificate"); id && !is_file) {
            auto one = trusted_from_agent(context, *id);
            if (one) {
                trusted.certificates.push_back(*std::move(one));
            } else if (rules == image::Rules::Cursive && one.error().code == Code::Refused) {
                trusted.remarks.push_back("Skipping trusted certificate: " + *id);
            } else {
                return std::move(one).error();
            }
            continue;
        }
        auto in_file = image::Certificate::parse_all(TRY(read_small_file(context, name)));
        if (!in_file) return Error{Code::InvalidInput, name + ": " + in_file.error().message, {}};
        for (image::Certificate& certificate : *in_file) trusted.certificates.push_back({name, std::move(certificate)});
    }
    return trusted;
}

Result<SecureBytes> private_key_from_agent(const CliContext& context, const std::string& id) {
    return payload_of(context, TRY(id_of(id, "private key")), "private");
}

void add_compat_option(CLI::App& verb, image::Rules& rules) {
    verb.add_option_function<std::string>(
            "--compat", [&rules](const std::string&) { rules = image::Rules::Cursive; },
            "cursive: judge as Glance's library does, with its oddities (no dates, sizes, curves or usages)")
        ->check(CLI::IsMember({"cursive"}))
        ->type_name("cursive");
}

}  // namespace sallyport::cli
