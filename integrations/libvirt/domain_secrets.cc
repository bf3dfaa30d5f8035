#include "integrations/libvirt/domain_secrets.h"

#include <set>
#include <utility>

#include "integrations/libvirt/xml.h"
#include "keymanager/base/uuid.h"

namespace sallyport::libvirt {
namespace {

// formatstorageencryption.html: these three are LUKS. "qcow" and "default" are ciphers of the past, with other keys.
bool is_luks(const xmlNode* encryption) {
    const std::string format = xml::attribute(encryption, "format");
    return format == "luks" || format == "luks2" || format == "luks-any";
}

/// formatdomain.html, "Hard drives": `file` of a disk of type file, `dev` of one of type block.
std::string device_of(const xmlNode* source) {
    const std::string file = xml::attribute(source, "file");
    return file.empty() ? xml::attribute(source, "dev") : file;
}

Result<DiskSecret> read_secret(const xmlNode* secret, const DiskSecret& of_disk) {
    DiskSecret found = of_disk;
    found.uuid = SecretUuid(xml::attribute(secret, "uuid"));
    found.usage = VolumeId(xml::attribute(secret, "usage"));
    if (found.uuid.empty() == found.usage.empty()) {
        return Error{
            Code::InvalidInput, "the secret of disk " + of_disk.disk + " needs a uuid or a usage, and not both", {}};
    }
    if (!found.uuid.empty() && !is_uuid(found.uuid.str())) {
        return Error{Code::InvalidInput, "the uuid of the secret of disk " + of_disk.disk + " is no UUID", {}};
    }
    return found;
}

/// Collects the secrets of one domain, each once.
class Collector {
public:
    // <encryption> stands in <disk> or <source>, and in those of <backingStore> and <mirror>, as deep as the chain
    // goes. The depth is bounded by the parser.
    Result<void> search(const xmlNode* node, DiskSecret of_disk) {
        if (const xmlNode* source = xml::child(node, "source")) of_disk.device = device_of(source);
        for (const xmlNode* child : xml::children(node)) {
            if (!xml::is_element(child, "encryption")) {
                TRY(search(child, of_disk));
            } else if (is_luks(child)) {
                TRY(read_encryption(child, of_disk));
            }
        }
        return {};
    }

    std::vector<DiskSecret> take() && { return std::move(found_); }

private:
    Result<void> read_encryption(const xmlNode* encryption, const DiskSecret& of_disk) {
        for (const xmlNode* secret : xml::children(encryption)) {
            if (!xml::is_element(secret, "secret") || xml::attribute(secret, "type") != "passphrase") continue;
            DiskSecret needed = TRY(read_secret(secret, of_disk));
            if (known_.emplace(needed.uuid, needed.usage).second) found_.push_back(std::move(needed));
        }
        return {};
    }

    std::vector<DiskSecret> found_;
    std::set<std::pair<SecretUuid, VolumeId>> known_;
};

}  // namespace

Result<std::vector<DiskSecret>> domain_secrets(std::string_view domain_xml) {
    const xml::Document document = TRY(xml::parse(domain_xml, "the domain's XML"));
    const xmlNode* domain = xmlDocGetRootElement(document.get());
    if (!xml::is_element(domain, "domain")) {
        return Error{Code::InvalidInput, "the domain's XML does not begin with <domain>", {}};
    }
    Collector secrets;
    for (const xmlNode* disk : xml::children(xml::child(domain, "devices"))) {
        if (!xml::is_element(disk, "disk")) continue;
        DiskSecret of_disk;
        if (const xmlNode* target = xml::child(disk, "target")) of_disk.disk = xml::attribute(target, "dev");
        of_disk.serial = xml::text(xml::child(disk, "serial"));
        TRY(secrets.search(disk, of_disk));
    }
    return std::move(secrets).take();
}

}  // namespace sallyport::libvirt
