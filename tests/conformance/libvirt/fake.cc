#include "tests/conformance/libvirt/hypervisor_conformance.h"
#include "tests/fakes/fake_hypervisor.h"

namespace sallyport::libvirt {
namespace {

HypervisorUnderTest fake() {
    auto hypervisor = std::make_unique<FakeHypervisor>();
    FakeHypervisor& it = *hypervisor;
    return {std::move(hypervisor), [&it](const VolumeSecret& secret) { it.define_foreign(secret); }};
}

INSTANTIATE_TEST_SUITE_P(Fake, HypervisorConformance, testing::Values(fake));

}  // namespace
}  // namespace sallyport::libvirt
