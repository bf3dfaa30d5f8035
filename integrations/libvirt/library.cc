#include "integrations/libvirt/library.h"

#include <dlfcn.h>

#include <string>
#include <type_traits>

#include "keymanager/base/assert.h"

namespace sallyport::libvirt {
namespace {

constexpr auto FileName = "libvirt.so.0";

struct Loaded {
    Library functions{};
    std::string problem;  ///< empty if all is well
};

std::string reason() {
    const char* said = ::dlerror();
    return said == nullptr ? "no reason given" : said;
}

Loaded load() {
    Loaded loaded;
    // It stays for good: its threads and its event loop would not survive to be unloaded.
    void* const handle = ::dlopen(FileName, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
        loaded.problem = reason();
        return loaded;
    }
    const auto find = [handle, &loaded](auto& function, const char* name) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
        if (function == nullptr && loaded.problem.empty()) loaded.problem = reason();
    };
    Library& f = loaded.functions;
    find(f.virConnectClose, "virConnectClose");
    find(f.virConnectDomainEventDeregisterAny, "virConnectDomainEventDeregisterAny");
    find(f.virConnectDomainEventRegisterAny, "virConnectDomainEventRegisterAny");
    find(f.virConnectIsAlive, "virConnectIsAlive");
    find(f.virConnectListAllDomains, "virConnectListAllDomains");
    find(f.virConnectListAllSecrets, "virConnectListAllSecrets");
    find(f.virConnectOpen, "virConnectOpen");
    find(f.virConnectRegisterCloseCallback, "virConnectRegisterCloseCallback");
    find(f.virConnectSetKeepAlive, "virConnectSetKeepAlive");
    find(f.virConnectUnregisterCloseCallback, "virConnectUnregisterCloseCallback");
    find(f.virDomainCreate, "virDomainCreate");
    find(f.virDomainFree, "virDomainFree");
    find(f.virDomainGetAutostart, "virDomainGetAutostart");
    find(f.virDomainGetName, "virDomainGetName");
    find(f.virDomainGetXMLDesc, "virDomainGetXMLDesc");
    find(f.virDomainIsActive, "virDomainIsActive");
    find(f.virDomainLookupByName, "virDomainLookupByName");
    find(f.virDomainLookupByUUIDString, "virDomainLookupByUUIDString");
    find(f.virEventAddTimeout, "virEventAddTimeout");
    find(f.virEventRegisterDefaultImpl, "virEventRegisterDefaultImpl");
    find(f.virEventRemoveTimeout, "virEventRemoveTimeout");
    find(f.virEventRunDefaultImpl, "virEventRunDefaultImpl");
    find(f.virEventUpdateTimeout, "virEventUpdateTimeout");
    find(f.virGetLastErrorCode, "virGetLastErrorCode");
    find(f.virGetLastErrorDomain, "virGetLastErrorDomain");
    find(f.virGetLastErrorMessage, "virGetLastErrorMessage");
    find(f.virInitialize, "virInitialize");
    find(f.virSecretDefineXML, "virSecretDefineXML");
    find(f.virSecretFree, "virSecretFree");
    find(f.virSecretGetUUIDString, "virSecretGetUUIDString");
    find(f.virSecretGetXMLDesc, "virSecretGetXMLDesc");
    find(f.virSecretLookupByUsage, "virSecretLookupByUsage");
    find(f.virSecretLookupByUUIDString, "virSecretLookupByUUIDString");
    find(f.virSecretSetValue, "virSecretSetValue");
    find(f.virSecretUndefine, "virSecretUndefine");
    find(f.virSetErrorFunc, "virSetErrorFunc");
    return loaded;
}

const Loaded& loaded() {
    // Never destroyed: a thread that closes a connection may outlive main().
    static const Loaded& once = *new Loaded(load());
    return once;
}

}  // namespace

Result<void> load_library() {
    if (loaded().problem.empty()) return {};
    return Error{Code::Unavailable, "libvirt's client library cannot be loaded (Debian: libvirt0)", loaded().problem};
}

const Library& library() {
    SALLYPORT_ASSERT(loaded().problem.empty());  // load_library() has been asked
    return loaded().functions;
}

}  // namespace sallyport::libvirt
