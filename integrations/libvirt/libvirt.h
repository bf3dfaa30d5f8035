#pragma once

#include <memory>
#include <string>

#include "integrations/libvirt/hypervisor.h"

namespace sallyport::libvirt {

struct LibvirtConfig {
    std::string uri = "qemu:///system";
};

/// A Hypervisor that is libvirtd, over its socket.
///
/// The connection is opened by the first call, which also starts the library. A call that fails because the connection
/// has ended (libvirtd was restarted, and has forgotten every ephemeral secret) is tried once more over a new one. A
/// daemon that has stopped answering holds a call for 30 seconds at most: keep-alive probes end the call within 20, and
/// opening a connection is given 10. One thread serves the probes of all connections, one more waits for each
/// connection that is being opened.
///
/// Where the passphrase goes: virSecretSetValue is handed the locked memory itself. libvirt's RPC encodes it into a
/// message buffer on the ordinary heap, which it erases when it frees it, before the call returns (seen with 9.0:
/// tests/residue/libvirt_test.cc). libvirtd, and QEMU after it, hold the value as long as they need it.
std::unique_ptr<Hypervisor> make_libvirt(const LibvirtConfig& config);

}  // namespace sallyport::libvirt
