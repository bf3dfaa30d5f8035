#include "agent/cli/key_input.h"

#include <CLI/CLI.hpp>

#include "agent/cli/secret_io.h"
#include "keymanager/base/assert.h"

namespace sallyport::cli {

namespace {

CLI::Option_group& add_group(CLI::App& verb, KeySource& source, const std::string& prefix) {
    CLI::Option_group& group = *verb.add_option_group(prefix.empty() ? "Key" : "New key", "One of");
    group.add_option("--" + prefix + "key", source.key_id, "Id or ref of the key in the key manager")->type_name("ID");
    group
        .add_option("--" + prefix + "key-file", source.key_file,
                    "The key's raw bytes (-: standard input); needs no agent")
        ->type_name("FILE");
    group
        .add_option("--" + prefix + "passphrase-file", source.passphrase_file,
                    "A passphrase, used byte for byte as it is (-: standard input); needs no agent")
        ->type_name("FILE");
    return group;
}

}  // namespace

void add_key_options(CLI::App& verb, KeySource& source, const std::string& prefix) {
    add_group(verb, source, prefix).require_option(1);
}

void add_optional_key_options(CLI::App& verb, KeySource& source) { add_group(verb, source, "").require_option(0, 1); }

Result<SecureBytes> read_key(const KeySource& source) {
    SALLYPORT_ASSERT(!source.from_agent());  // the caller asked first
    return read_secret_file(source.is_passphrase() ? source.passphrase_file : source.key_file);
}

}  // namespace sallyport::cli
