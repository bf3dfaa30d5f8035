#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "agent/cli/doctor_checks.h"
#include "integrations/libvirt/libvirt.h"

namespace sallyport::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto Hook = "sallyport libvirt hook";
constexpr std::string_view ValueEnding = ".base64";

/// Nova's way: whoever reads the file, or asks libvirtd, has the passphrase.
Finding foreign_finding(const libvirt::VolumeSecret& secret, const fs::path& folder) {
    const std::string where = secret.is_ephemeral ? std::string("whoever may talk to libvirtd can read its value")
                                                  : fmt::format("its value lies in clear in {}/{}.base64",
                                                                folder.string(), secret.uuid.str());
    return {"secret of volume " + secret.volume.str(), Health::Warning,
            fmt::format("libvirt's secret {} is not ours: {}", secret.uuid.str(), where),
            fmt::format("sallyport libvirt sync --force (its key is not known? sallyport libvirt inject --volume {} "
                        "--key ID --force)",
                        secret.volume.str())};
}

/// Values in libvirt's folder that belong to no volume's secret.
void add_other_values(const fs::path& folder, const std::vector<libvirt::VolumeSecret>& secrets, Findings& findings) {
    std::set<std::string> of_volumes;
    for (const libvirt::VolumeSecret& secret : secrets) of_volumes.insert(secret.uuid.str());
    std::error_code failed;
    for (auto entry = fs::directory_iterator(folder, failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        if (!name.ends_with(ValueEnding)) continue;
        const std::string uuid = name.substr(0, name.size() - ValueEnding.size());
        if (of_volumes.contains(uuid)) continue;
        findings.push_back(
            {"secret " + uuid, Health::Warning,
             entry->path().string() + " holds a value in clear; no secret of a volume that libvirtd knows",
             fmt::format("virsh secret-dumpxml {0} (is it needed? else: virsh secret-undefine {0})", uuid)});
    }
}

bool calls_us(const fs::path& hook) {
    std::ifstream in(hook);
    std::stringstream text;
    text << in.rdbuf();
    return text.view().find(Hook) != std::string_view::npos;
}

bool has_hook(const fs::path& hooks) {
    if (calls_us(hooks / "qemu")) return true;
    std::error_code failed;
    for (auto entry = fs::directory_iterator(hooks / "qemu.d", failed); !failed && entry != fs::directory_iterator();
         entry.increment(failed)) {
        if (calls_us(entry->path())) return true;
    }
    return false;
}

}  // namespace

Findings check_hypervisor(const Patient& patient) {
    if (!patient.config.has_role(config::Role::Hypervisor)) return {};
    const std::string& uri = patient.config.hypervisor.uri;
    const fs::path folder = patient.config.hypervisor.secrets_folder;
    Findings findings;
    // libvirt's folders lie side by side: /etc/libvirt/secrets, /etc/libvirt/hooks.
    if (!has_hook(folder.parent_path() / "hooks")) {
        findings.push_back(
            {"libvirt hook", Health::Warning,
             "not installed: a domain finds its secrets only if they were injected just before",
             fmt::format("install -D -m 0755 etc/libvirt-hook/50-sallyport {}/hooks/qemu.d/50-sallyport; "
                         "systemctl restart libvirtd",
                         folder.parent_path().string())});
    }
    const auto secrets = libvirt::make_libvirt({.uri = uri})->list_secrets();
    if (!secrets) {
        findings.push_back({"libvirt", Health::Bad, secrets.error().message,
                            fmt::format("systemctl start libvirtd; virsh -c {} secret-list", uri)});
        return findings;
    }
    const auto ours = std::ranges::count_if(*secrets, &libvirt::VolumeSecret::is_ours);
    findings.push_back({"libvirt", Health::Good,
                        fmt::format("{} answers; of {} secrets of volumes {} are ours", uri, secrets->size(), ours)});
    for (const libvirt::VolumeSecret& secret : *secrets) {
        if (!secret.is_ours()) findings.push_back(foreign_finding(secret, folder));
    }
    add_other_values(folder, *secrets, findings);
    return findings;
}

}  // namespace sallyport::cli
