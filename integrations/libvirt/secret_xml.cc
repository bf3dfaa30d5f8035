#include "integrations/libvirt/secret_xml.h"

#include <algorithm>

#include "integrations/libvirt/xml.h"
#include "keymanager/base/uuid.h"

namespace sallyport::libvirt {
namespace {

constexpr std::size_t LongestVolumeId = 255;

bool is_visible_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

// libvirt's boolean attributes are yes and no, and no if absent.
bool is_yes(const xmlNode* node, const char* name) { return xml::attribute(node, name) == "yes"; }

}  // namespace

Result<std::string> secret_definition(const VolumeId& volume, const std::optional<SecretUuid>& uuid) {
    if (volume.empty() || volume.str().size() > LongestVolumeId || !is_visible_ascii(volume.str())) {
        return Error{Code::InvalidInput, "a volume's id has 1 to 255 characters of ASCII, without blanks", {}};
    }
    if (uuid && !is_uuid(uuid->str())) {
        return Error{Code::InvalidInput, "the uuid for the secret of volume " + volume.str() + " is no UUID", {}};
    }
    return "<secret ephemeral='yes' private='yes'>" + (uuid ? "<uuid>" + uuid->str() + "</uuid>" : std::string()) +
           "<usage type='volume'><volume>" + xml::escape(volume.str()) + "</volume></usage></secret>";
}

Result<std::optional<VolumeSecret>> read_secret_description(std::string_view text) {
    const xml::Document document = TRY(xml::parse(text, "libvirt's description of a secret"));
    const xmlNode* secret = xmlDocGetRootElement(document.get());
    const xmlNode* usage = xml::child(secret, "usage");
    if (!xml::is_element(secret, "secret")) {
        return Error{Code::InvalidInput, "libvirt's description of a secret does not begin with <secret>", {}};
    }
    if (usage == nullptr || xml::attribute(usage, "type") != "volume") return std::optional<VolumeSecret>();
    return std::optional(VolumeSecret{.uuid = SecretUuid(xml::text(xml::child(secret, "uuid"))),
                                      .volume = VolumeId(xml::text(xml::child(usage, "volume"))),
                                      .is_ephemeral = is_yes(secret, "ephemeral"),
                                      .is_private = is_yes(secret, "private")});
}

}  // namespace sallyport::libvirt
