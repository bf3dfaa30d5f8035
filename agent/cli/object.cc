#include "agent/cli/object.h"

#include <CLI/CLI.hpp>
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "agent/cli/object_care.h"
#include "agent/cli/output.h"
#include "agent/config/config.h"
#include "integrations/object/crypto_meta.h"
#include "integrations/object/directory.h"
#include "integrations/object/names.h"
#include "integrations/object/text.h"

namespace sallyport::cli {
namespace {

namespace json = boost::json;

Result<config::Objects> objects_of(const CliContext& context) {
    config::Config config = TRY(config::load_without_files(context.config_file));
    if (!config.objects) {
        return Error{
            Code::NotFound, context.config_file + " has no section `objects`: no object door is configured", {}};
    }
    return *std::move(config.objects);
}

/// True if somebody takes connections there.
bool answers(const config::TcpAddress& address) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(address.port);
    // check_address has made it a loopback address; a name can only be localhost.
    if (::inet_pton(AF_INET, address.host.c_str(), &where.sin_addr) != 1)
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const bool connected = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0;
    ::close(descriptor);
    return connected;
}

std::string shown_secret(const std::string& id) { return id.empty() ? "(the one with no id)" : id; }

Result<void> show_status(CliContext& context) {
    const config::Objects objects = TRY(objects_of(context));
    const bool is_swift = objects.upstream.type == config::UpstreamType::Swift;
    return print_record(context, {{"listen", objects.listen.text()},
                                  {"answers", answers(objects.listen)},
                                  {"upstream", is_swift ? "swift" : "directory"},
                                  {"at", is_swift ? objects.upstream.url : objects.upstream.path},
                                  {"project", objects.project},
                                  {"root_secrets", objects.root_secrets.size()},
                                  {"active_root_secret", shown_secret(objects.active_root_secret)},
                                  {"meta_version", objects.meta_version}});
}

struct InspectOptions {
    std::string object;
    std::string directory;
};

/// A key_id's path as text; versions 1 and 2 write each byte of it as one character.
std::string shown_path(const object::KeyId& key_id) {
    if (key_id.version == object::MetaVersion::V3) return key_id.path;
    auto bytes = object::utf8_as_latin1(key_id.path);
    return bytes && object::is_utf8(*bytes) ? *std::move(bytes) : key_id.path;
}

/// What one crypto meta header says of the key, or what is wrong with it.
void add_key_facts(Record& record, const std::string& prefix, const object::Headers& headers, std::string_view name) {
    const std::string* header = headers.find(name);
    if (header == nullptr) {
        record[prefix + "root_secret"] = nullptr;
        return;
    }
    const auto meta = object::crypto_meta_from_header(*header);
    if (!meta || !meta->key_id || !*meta->key_id) {
        record[prefix + "root_secret"] = "damaged";
        return;
    }
    const object::KeyId& key_id = **meta->key_id;
    record[prefix + "root_secret"] = shown_secret(key_id.secret_id);
    record[prefix + "meta_version"] = static_cast<int>(key_id.version);
    record[prefix + "key_path"] = shown_path(key_id);
    if (meta->cipher) record[prefix + "cipher"] = *meta->cipher;
}

json::array sealed_names(const object::Headers& headers) {
    json::array names;
    for (const auto& [name, value] : headers) {
        if (!object::starts_with_no_case(name, object::SealedMetaPrefix)) continue;
        names.emplace_back(name.substr(object::SealedMetaPrefix.size()));
    }
    return names;
}

/// Account/container/object as an operator types it, as the path of a request.
std::string target_of(const std::string& object) {
    const bool is_path = object.starts_with("/v1/");
    return is_path ? object : "/v1/" + object::percent_encoded(object, "/");
}

Result<void> inspect(const InspectOptions& options, CliContext& context) {
    std::string directory = options.directory;
    if (directory.empty()) directory = TRY(objects_of(context))
    .upstream.path;
    const object::StoredObject stored = TRY(object::inspect_directory({directory}, target_of(options.object)));
    Record record;
    record["object"] = options.object;
    record["size"] = stored.size;
    record["content_type"] = stored.headers.value_or("Content-Type", "");
    record["stored_etag"] = stored.headers.value_or("Etag", "");
    record["encrypted"] = stored.headers.has(object::BodyMeta);
    add_key_facts(record, "", stored.headers, object::BodyMeta);
    add_key_facts(record, "metadata_", stored.headers, object::TransientMeta);
    record["sealed_metadata"] = sealed_names(stored.headers);
    record["data_file"] = stored.data_file;
    return print_record(context, record);
}

void add_status(CLI::App& noun, CliContext& context) {
    CLI::App& verb =
        add_verb(noun, context,
                 {"status", "The object door: where it listens, what it stores, which root secret is active",
                  "sallyport object status"});
    set_action(verb, context, [&context] { return show_status(context); });
}

void add_inspect(CLI::App& noun, CliContext& context) {
    const auto options = std::make_shared<InspectOptions>();
    CLI::App& verb = add_verb(noun, context,
                              {"inspect", "The crypto metadata of one stored object; needs no key and no agent",
                               "sallyport object inspect AUTH_demo/photos/cat.jpg"});
    verb.add_option("OBJECT", options->object, "account/container/object, or the path of a request (/v1/...)")
        ->required();
    verb.add_option("--directory", options->directory, "The object folder, instead of the configuration's");
    set_action(verb, context, [options, &context] { return inspect(*options, context); });
}

}  // namespace

void add_object_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "object", "Objects behind the encrypting object door");
    add_status(noun, context);
    add_inspect(noun, context);
    add_object_care(noun, context);
}

}  // namespace sallyport::cli
