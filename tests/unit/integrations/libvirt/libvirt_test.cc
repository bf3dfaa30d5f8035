#include "integrations/libvirt/libvirt.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"

// What needs a daemon is in tests/conformance/libvirt and tests/integration/libvirt.
namespace sallyport::libvirt {
namespace {

std::unique_ptr<Hypervisor> nowhere() {
    return make_libvirt({.uri = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"});
}

TEST(Libvirt, WithoutADaemonSaysWhichAndWhatToDo) {
    const auto hypervisor = nowhere();
    const auto listed = hypervisor->list_secrets();
    ASSERT_FALSE(listed);
    EXPECT_EQ(listed.error().code, Code::Unavailable);
    EXPECT_NE(listed.error().message.find("/nonexistent/libvirt-sock"), std::string::npos) << listed.error().message;
    EXPECT_NE(listed.error().message.find("is libvirtd running"), std::string::npos) << listed.error().message;
}

TEST(Libvirt, RefusesBadIdsBeforeItAsksTheDaemon) {
    const auto hypervisor = nowhere();
    const auto passphrase = SecureBytes::copy_of(bytes_of("x"));
    EXPECT_EQ(hypervisor->put_secret({VolumeId("a b")}, *passphrase).error().code, Code::InvalidInput);
    EXPECT_EQ(hypervisor->drop_secret(VolumeId(""), ForeignSecret::Refuse).error().code, Code::InvalidInput);
    EXPECT_EQ(hypervisor->put_secret({VolumeId("v")}, SecureBytes()).error().code, Code::InvalidInput);
}

TEST(Libvirt, TellsItsWatcherOfEachConnectionAndReadsTheDomainsThatRun) {
    int connections = 0;
    const auto hypervisor = make_libvirt({.uri = "test:///default"});
    hypervisor->watch([&connections](HypervisorChange change) {
        if (change == HypervisorChange::Connection) ++connections;
    });
    const auto running = hypervisor->running_domains();
    ASSERT_TRUE(running) << running.error().message;
    ASSERT_EQ(running->size(), 1U);
    EXPECT_EQ(running->front().name, "test");
    EXPECT_TRUE(running->front().xml.starts_with("<domain")) << running->front().xml;
    ASSERT_TRUE(hypervisor->running_domains());
    EXPECT_EQ(connections, 1);
    hypervisor->watch(nullptr);
}

TEST(Libvirt, SeveralLiveTogetherAndAfterEachOther) {
    const auto first = nowhere();
    { const auto second = nowhere(); }
    EXPECT_FALSE(first->list_secrets());
    EXPECT_FALSE(nowhere()->list_secrets());
}

// libvirt's own test driver knows a domain "test", and no secrets.
TEST(Libvirt, ReadsTheXmlOfADomainByNameAndByUuid) {
    const auto hypervisor = make_libvirt({.uri = "test:///default"});
    const auto by_name = hypervisor->domain_xml("test");
    ASSERT_TRUE(by_name) << by_name.error().message;
    const auto at = by_name->find("<uuid>") + 6;
    EXPECT_EQ(hypervisor->domain_xml(by_name->substr(at, 36)).value(), *by_name);
    EXPECT_EQ(hypervisor->domain_xml("other").error().code, Code::NotFound);
    EXPECT_FALSE(hypervisor->list_secrets());
}

}  // namespace
}  // namespace sallyport::libvirt
