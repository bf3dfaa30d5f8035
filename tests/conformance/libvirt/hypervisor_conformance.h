#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "integrations/libvirt/hypervisor.h"

namespace sallyport::libvirt {

/// A hypervisor under test, with the means to do what other clients of it do.
struct HypervisorUnderTest {
    std::unique_ptr<Hypervisor> hypervisor;
    std::function<void(const VolumeSecret&)> define_foreign;
};
using HypervisorFactory = std::function<HypervisorUnderTest()>;

/// What every Hypervisor promises. Each test uses volumes of its own and drops what it made.
class HypervisorConformance : public testing::TestWithParam<HypervisorFactory> {};

}  // namespace sallyport::libvirt
