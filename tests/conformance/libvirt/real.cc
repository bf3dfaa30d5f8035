#include <libvirt/libvirt.h>

#include <cstdlib>

#include "integrations/libvirt/libvirt.h"
#include "keymanager/base/assert.h"
#include "tests/conformance/libvirt/hypervisor_conformance.h"

namespace sallyport::libvirt {
namespace {

/// The private libvirtd that tests/integration/libvirt started.
std::string daemon_uri() {
    const char* uri = std::getenv("SALLYPORT_LIBVIRT_URI");
    // Only the integration test runs this program, and it sets the variable.
    SALLYPORT_ASSERT(uri != nullptr);
    return uri;
}

// As another client of libvirtd would, with libvirt's own library.
void define_foreign(const VolumeSecret& secret) {
    const std::unique_ptr<virConnect, decltype(&virConnectClose)> connection(virConnectOpen(daemon_uri().c_str()),
                                                                             &virConnectClose);
    const std::string xml = std::string("<secret ephemeral='") + (secret.is_ephemeral ? "yes" : "no") + "' private='" +
                            (secret.is_private ? "yes" : "no") + "'><uuid>" + secret.uuid.str() +
                            "</uuid><usage type='volume'><volume>" + secret.volume.str() + "</volume></usage></secret>";
    const std::unique_ptr<virSecret, decltype(&virSecretFree)> defined(
        virSecretDefineXML(connection.get(), xml.c_str(), 0), &virSecretFree);
    ASSERT_NE(defined, nullptr);
}

HypervisorUnderTest real() { return {make_libvirt({.uri = daemon_uri()}), define_foreign}; }

INSTANTIATE_TEST_SUITE_P(Libvirt, HypervisorConformance, testing::Values(real));

}  // namespace
}  // namespace sallyport::libvirt
