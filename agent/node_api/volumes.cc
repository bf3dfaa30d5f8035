#include "agent/node_api/volumes.h"

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "agent/node_api/answer.h"
#include "agent/node_api/attach_json.h"
#include "agent/node_api/lane_route.h"
#include "agent/node_api/request_body.h"
#include "agent/node_api/volume_care_json.h"
#include "agent/node_api/volume_json.h"
#include "integrations/volume/image_crypt.h"
#include "keymanager/base/bytes.h"

namespace sallyport::node_api {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view Root = "/sallyport/v1/volumes";
constexpr std::string_view ProgressRoot = "/sallyport/v1/volumes/progress/";

bool flag_at(const json::object& body, std::string_view name) {
    const json::value* value = body.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

/// One request on its way through the verbs.
struct Verbs {
    volume::VolumeEncryptor& volumes;
    volume::Attacher& attacher;
    const VolumeRoutes::Passphrases& passphrases;
    volume::UnlockProfile default_profile;
    const VolumeRoutes::KeepHeader& keep_header;
    const core::Caller& caller;
    ProgressBoard& board;

    Result<volume::Passphrase> passphrase(const json::object& body) const {
        return passphrases(caller, SecretId(TRY(required_text(body, "secret"))));
    }
    Result<volume::DevicePath> path(const json::object& body, std::string_view name) const {
        return checked_path(TRY(required_text(body, name)));
    }

    Result<json::object> format(const json::object& body) const {
        const volume::DevicePath device = TRY(path(body, "device"));
        volume::FormatOptions options = TRY(format_options_from(body, default_profile));
        if (body.contains("header")) options.header = TRY(checked_new_path(TRY(required_text(body, "header"))));
        const volume::Passphrase key = TRY(passphrase(body));
        std::optional<model::HeaderVersion> kept;
        if (options.force && keep_header) kept = TRY(keep_header(caller, device));
        json::object answer = to_json(TRY(volumes.format(device, key, options)));
        if (kept) answer["replaced_header"] = to_json(*kept);
        return answer;
    }

    Result<json::object> open(const json::object& body) const {
        volume::AttachRequest request = TRY(attach_request_from(body, default_profile));
        request.path = TRY(checked_link(request.path.str()));
        if (request.open.header)
            request.open.header =
                TRY(request.first_use ? checked_new_path(TRY(required_text(body, "header"))) : path(body, "header"));
        return to_json(TRY(attacher.attach(request, [&] { return passphrase(body); })));
    }

    Result<json::object> close(const json::object& body) const {
        const volume::MappingName name(TRY(required_text(body, "name")));
        TRY(attacher.detach(name));
        return json::object{{"name", name.str()}};
    }

    Result<json::object> resize(const json::object& body) const {
        const volume::MappingName name(TRY(required_text(body, "name")));
        std::optional<volume::Passphrase> key;
        if (body.contains("secret")) key = TRY(passphrase(body));
        return to_json(TRY(volumes.resize(name, key ? &*key : nullptr)));
    }

    Result<json::object> test(const json::object& body) const {
        const volume::DevicePath device = TRY(path(body, "device"));
        const volume::DevicePath header = body.contains("header") ? TRY(path(body, "header")) : device;
        const volume::Passphrase key = TRY(passphrase(body));
        return json::object{{"device", device.str()}, {"key_slot", TRY(volumes.test(header, key))}};
    }

    Result<json::object> encrypt(const json::object& body) const {
        const volume::DevicePath source = TRY(path(body, "source"));
        const volume::DevicePath destination = TRY(checked_new_path(TRY(required_text(body, "destination"))));
        const volume::FormatOptions options = TRY(format_options_from(body, default_profile));
        volume::ImageCryptOptions copying = TRY(copy_options(body));
        if (body.contains("header")) copying.header = TRY(checked_new_path(TRY(required_text(body, "header"))));
        std::optional<ProgressBoard::Line> line = TRY(follow(body, copying));
        const volume::Passphrase key = TRY(passphrase(body));
        return report(destination, TRY(volume::encrypt_image(source, destination.str(), key, options, copying)));
    }

    Result<json::object> decrypt(const json::object& body) const {
        const volume::DevicePath source = TRY(path(body, "source"));
        const volume::DevicePath destination = TRY(checked_new_path(TRY(required_text(body, "destination"))));
        volume::ImageCryptOptions copying = TRY(copy_options(body));
        if (body.contains("header")) copying.header = TRY(path(body, "header"));
        if (const json::value* plain = body.if_contains("plain")) copying.plain = TRY(plain_from(*plain));
        std::optional<ProgressBoard::Line> line = TRY(follow(body, copying));
        const volume::Passphrase key = TRY(passphrase(body));
        return report(destination, TRY(volume::decrypt_image(source, destination.str(), key, {}, copying)));
    }

    Result<json::object> status() const {
        const std::vector<volume::Attachment> attachments = TRY(attacher.list());
        json::array list;
        for (const volume::Attachment& each : attachments) list.push_back(to_json(each.mapping, each.link));
        return json::object{{"mappings", std::move(list)}};
    }

    static Result<volume::ImageCryptOptions> copy_options(const json::object& body) {
        return volume::ImageCryptOptions{.replace = flag_at(body, "replace"), .sparse = flag_at(body, "sparse")};
    }

    /// The request's line on the board, if it wants one, written while the copying goes on.
    Result<std::optional<ProgressBoard::Line>> follow(const json::object& body,
                                                      volume::ImageCryptOptions& copying) const {
        std::optional<ProgressBoard::Line> line;
        if (!body.contains("job")) return line;
        const std::string job = TRY(required_text(body, "job"));
        line.emplace(TRY(board.begin(job)));
        copying.progress = [&board = board, job](std::uint64_t done, std::uint64_t total) {
            board.update(job, done, total);
        };
        return line;
    }

    static json::object report(const volume::DevicePath& destination, const volume::ImageCryptReport& report) {
        return {{"destination", destination.str()},
                {"source_bytes", report.source_bytes},
                {"destination_bytes", report.destination_bytes}};
    }

    Result<json::object> run(const api::Request& request) const {
        if (!is_admin(caller)) return Error{Code::Forbidden, "volumes are for callers with the role admin", {}};
        std::string_view verb = request.target;
        verb.remove_prefix(std::min(verb.size(), Root.size()));
        if (request.method == "GET" && (verb.empty() || verb == "/")) return status();
        if (request.method != "POST")
            return Error{Code::NotFound, "there is no " + request.method + " " + request.target, {}};
        const json::object body = TRY(body_of(request));
        if (verb == "/format") return format(body);
        if (verb == "/open") return open(body);
        if (verb == "/close") return close(body);
        if (verb == "/resize") return resize(body);
        if (verb == "/test") return test(body);
        if (verb == "/encrypt") return encrypt(body);
        if (verb == "/decrypt") return decrypt(body);
        return Error{Code::NotFound, "there is no " + request.target, {}};
    }
};

Result<void> check_form(const std::string& path) {
    const fs::path wanted(path);
    if (!wanted.is_absolute() || path.find('\0') != std::string::npos)
        return Error{Code::InvalidInput, "'" + path + "' is no absolute path", {}};
    if (wanted.lexically_normal() != wanted)
        return Error{Code::InvalidInput, "'" + path + "' is not in its plain form", {}};
    return {};
}

/// Whoever attaches a volume does not wait for the conversion of another.
bool takes_long(const api::Request& request) {
    const std::string_view target = request.target;
    return target.ends_with("/encrypt") || target.ends_with("/decrypt");
}

bool is_in_dev(const fs::path& path) { return path.native().starts_with("/dev/"); }

}  // namespace

Result<volume::DevicePath> checked_path(const std::string& path) {
    TRY(check_form(path));
    const fs::path wanted(path);
    std::error_code failed;
    const fs::path real = fs::canonical(wanted, failed);
    if (failed == std::errc::no_such_file_or_directory) return Error{Code::NotFound, path + " does not exist", {}};
    if (failed) return Error{Code::InvalidInput, "cannot follow " + path + ": " + failed.message(), {}};
    // udev's names of devices are links; nobody but root makes them.
    if (real != wanted && !(is_in_dev(real) && is_in_dev(wanted))) {
        return Error{
            Code::InvalidInput, path + " leads through a symbolic link: name " + real.string() + " itself", {}};
    }
    return volume::DevicePath(real.string());
}

Result<volume::DevicePath> checked_link(const std::string& path) {
    TRY(check_form(path));
    const fs::path wanted(path);
    std::error_code failed;
    const fs::path target = fs::read_symlink(wanted, failed);
    if (failed) return checked_path(path);
    if (!is_in_dev(wanted)) TRY(checked_path(wanted.parent_path().string()));
    if (!is_in_dev((wanted.parent_path() / target).lexically_normal()))
        return Error{Code::InvalidInput, path + " is a link to " + target.string() + ", which is no device", {}};
    return volume::DevicePath(path);
}

Result<volume::DevicePath> checked_new_path(const std::string& path) {
    const fs::path wanted(path);
    if (!wanted.has_filename() || wanted.filename() == "." || wanted.filename() == "..") {
        return Error{Code::InvalidInput, wanted.string() + " is no name of a file", {}};
    }
    const volume::DevicePath folder = TRY(checked_path(wanted.parent_path().string()));
    return volume::DevicePath((fs::path(folder.str()) / wanted.filename()).string());
}

api::Response VolumeRoutes::handle(const api::Request& request, const core::Caller& caller) {
    return answer(
        Verbs{volumes_, attacher_, passphrases_, default_profile_, keep_header_, caller, board_}.run(request));
}

api::Response VolumeRoutes::progress(const api::Request& request, const core::Caller& caller) const {
    if (!is_admin(caller)) return answer(Error{Code::Forbidden, "volumes are for callers with the role admin", {}});
    const std::string job = request.target.substr(ProgressRoot.size());
    const std::optional<ProgressBoard::State> state = board_.find(job);
    if (!state) return answer(Error{Code::NotFound, "no request called " + job + " runs", {}});
    return answer(json::object{{"job", job}, {"done", state->done}, {"total", state->total}});
}

http::Route VolumeRoutes::route(lanes::Lane& lane, lanes::Lane& long_lane) {
    const Handler work = [this](const api::Request& request, const core::Caller& caller) {
        return handle(request, caller);
    };
    auto briefly = route_on(lane, std::string(Root), work).handler;
    auto at_length = route_on(long_lane, std::string(Root), work).handler;
    // How far a lane's work is must not wait for the lane.
    const auto handler = [this, briefly, at_length](
                             const api::Request& request,
                             const core::Caller& caller) -> http::asio::awaitable<api::Response> {
        if (request.method == "GET" && request.target.starts_with(ProgressRoot)) co_return progress(request, caller);
        auto answering = takes_long(request) ? at_length(request, caller) : briefly(request, caller);
        co_return co_await std::move(answering);
    };
    return {std::string(Root), handler};
}

}  // namespace sallyport::node_api
