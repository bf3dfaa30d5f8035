#include "agent/cli/image.h"

#include <CLI/CLI.hpp>

#include "agent/cli/image_keys.h"
#include "agent/cli/image_sign.h"
#include "agent/cli/image_verify.h"

namespace sallyport::cli {

void add_image_commands(CLI::App& root, CliContext& context) {
    CLI::App& noun = add_noun(root, "image", "Signatures of images, and the keys of encrypted ones");
    add_image_sign(noun, context);
    add_image_verify(noun, context);
    add_image_key_verbs(noun, context);
}

}  // namespace sallyport::cli
