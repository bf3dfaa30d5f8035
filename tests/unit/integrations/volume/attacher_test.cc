#include "integrations/volume/attacher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/fakes/fake_volume_encryptor.h"
#include "tests/unit/integrations/volume/scratch.h"

namespace sallyport::volume {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A node with one volume, found by a link as udev and os-brick make them. The mappings are the fake's; links and
/// records are real.
class Attach : public testing::Test {
protected:
    void SetUp() override {
        fs::create_symlink("disk", link_);
        volumes_.add_device(disk_);
    }

    Attacher attacher() { return Attacher(volumes_, scratch_.path("attachments")); }
    Result<Attachment> attach(const AttachRequest& request, std::string_view key = KeyHex) {
        return attacher().attach(request, [&]() -> Result<Passphrase> {
            ++keys_asked_for_;
            return passphrase_of(key);
        });
    }
    AttachRequest with_link() const { return {.path = DevicePath(link_), .replace_link = true}; }
    AttachRequest first_use() const {
        AttachRequest request = with_link();
        request.first_use = FormatOptions{};
        return request;
    }
    void format() { ASSERT_TRUE(volumes_.format(disk_, passphrase_of(KeyHex), {})); }
    std::string target() const { return fs::is_symlink(link_) ? fs::read_symlink(link_).string() : "no link"; }
    bool record_exists() const { return fs::exists(scratch_.path("attachments/" + name_.str() + ".json")); }
    std::size_t mapped() const { return volumes_.mappings()->size(); }

    Scratch scratch_;
    const DevicePath disk_ = scratch_.zeros("disk", 4096);
    const std::string link_ = scratch_.path("ip-10.0.0.5:3260-iscsi-iqn.2010-10.org.openstack:volume-1-lun-1");
    const MappingName name_{"crypt-ip-10.0.0.5:3260-iscsi-iqn.2010-10.org.openstack:volume-1-lun-1"};
    const std::string mapped_path_ = "/dev/mapper/" + name_.str();
    FakeVolumeEncryptor volumes_;
    int keys_asked_for_ = 0;
};

TEST_F(Attach, MapsUnderTheNameThatOsBrickUsesAndMovesTheLink) {
    format();
    const auto attached = attach(with_link());
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_EQ(attached->mapping.name, name_);
    EXPECT_EQ(attached->mapping.device, disk_);
    EXPECT_EQ(attached->link, link_);
    EXPECT_FALSE(attached->adopted);
    EXPECT_FALSE(attached->formatted);
    EXPECT_EQ(target(), mapped_path_);
    EXPECT_EQ(attacher().list()->at(0).link, link_);
}

TEST_F(Attach, IsUndoneWholeWithTheLinkAsItWas) {
    format();
    ASSERT_TRUE(attach(with_link()));
    ASSERT_TRUE(attacher().detach(name_));
    EXPECT_EQ(target(), "disk");
    EXPECT_EQ(mapped(), 0u);
    EXPECT_FALSE(record_exists());
    EXPECT_EQ(attacher().detach(name_).error().code, Code::NotFound);
}

TEST_F(Attach, TakesTheLinkAwayWithItsDevice) {
    format();
    ASSERT_TRUE(attach(with_link()));
    fs::remove(disk_.str());
    ASSERT_TRUE(attacher().detach(name_));
    EXPECT_EQ(target(), "no link");
}

TEST_F(Attach, LeavesALinkAloneThatSomebodyHasChangedSince) {
    format();
    ASSERT_TRUE(attach(with_link()));
    fs::remove(link_);
    fs::create_symlink("elsewhere", link_);
    ASSERT_TRUE(attacher().detach(name_));
    EXPECT_EQ(target(), "elsewhere");
}

TEST_F(Attach, WithoutWishesMapsTheDeviceAndMovesNothing) {
    format();
    const auto attached = attach({.path = disk_, .name = MappingName("data")});
    ASSERT_TRUE(attached);
    EXPECT_EQ(attached->mapping.path, "/dev/mapper/data");
    EXPECT_EQ(target(), "disk");
    EXPECT_TRUE(attacher().detach(MappingName("data")));
}

TEST_F(Attach, AdoptsWhatIsMappedAlready) {
    format();
    ASSERT_TRUE(attach(with_link()));
    const auto again = attach(with_link());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->adopted);
    EXPECT_EQ(mapped(), 1u);
    ASSERT_TRUE(attacher().detach(name_));
    EXPECT_EQ(target(), "disk");
}

TEST_F(Attach, AdoptsTheOlderNamesOfOsBrick) {
    format();
    const std::string base = fs::path(link_).filename().string();
    for (const std::string& older : {base, std::string("36001405abc")}) {
        ASSERT_TRUE(volumes_.open(disk_, passphrase_of(KeyHex), MappingName(older), {}));
        AttachRequest request = with_link();
        request.multipath_id = "36001405abc";
        const auto attached = attach(request);
        ASSERT_TRUE(attached) << attached.error().message;
        EXPECT_EQ(attached->mapping.name.str(), older);
        EXPECT_EQ(target(), "/dev/mapper/" + older);
        ASSERT_TRUE(attacher().detach(MappingName(older)));
        EXPECT_EQ(target(), "disk");
    }
}

TEST_F(Attach, AdoptsNothingThatTheKeyDoesNotOpen) {
    format();
    ASSERT_TRUE(attach(with_link()));
    EXPECT_EQ(attach(with_link(), OtherKeyHex).error().code, Code::WrongKey);
    EXPECT_EQ(mapped(), 1u);
}

TEST_F(Attach, AdoptsNoMappingOfAnotherDevice) {
    format();
    const DevicePath other = scratch_.zeros("other", 4096);
    volumes_.add_device(other);
    ASSERT_TRUE(volumes_.format(other, passphrase_of(KeyHex), {}));
    ASSERT_TRUE(volumes_.open(other, passphrase_of(KeyHex), name_, {}));
    EXPECT_EQ(attach(with_link()).error().code, Code::Conflict);
    EXPECT_EQ(target(), "disk");
}

TEST_F(Attach, WithTheWrongKeyLeavesNothing) {
    format();
    EXPECT_EQ(attach(with_link(), OtherKeyHex).error().code, Code::WrongKey);
    EXPECT_EQ(target(), "disk");
    EXPECT_FALSE(record_exists());
    EXPECT_EQ(mapped(), 0u);
}

TEST_F(Attach, FormatsABlankDeviceOnlyOnItsFirstUse) {
    const auto refused = attach(with_link());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("was never formatted"));
    EXPECT_EQ(keys_asked_for_, 0);
    const auto attached = attach(first_use());
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_TRUE(attached->formatted);
    ASSERT_TRUE(attacher().detach(name_));
    EXPECT_FALSE(attach(first_use())->formatted);
}

TEST_F(Attach, NeverFormatsWhatIsNotBlank) {
    for (const Content content : {Content::UnknownData, Content::FileSystem, Content::PartitionTable}) {
        volumes_.add_device(disk_, content);
        const auto refused = attach(first_use());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Code::Refused);
        EXPECT_THAT(refused.error().message, HasSubstr("sallyport volume header restore " + disk_.str()));
        EXPECT_EQ(volumes_.inspect(disk_)->content, content);
    }
    EXPECT_EQ(keys_asked_for_, 0);
}

TEST_F(Attach, CleansUpAfterOneThatWasKilledBeforeItMapped) {
    format();
    AttachmentRecords records(scratch_.path("attachments"));
    ASSERT_TRUE(records.lock());
    ASSERT_TRUE(records.put({name_, disk_, link_, "disk", false}));
    ASSERT_TRUE(attacher().recover());
    EXPECT_FALSE(record_exists());
    EXPECT_EQ(target(), "disk");
}

TEST_F(Attach, CleansUpAfterOneThatWasKilledWhenItHadMapped) {
    format();
    ASSERT_TRUE(attach(with_link()));
    ASSERT_TRUE(AttachmentRecords(scratch_.path("attachments")).put({name_, disk_, link_, "disk", false}));
    ASSERT_TRUE(attacher().recover());
    EXPECT_EQ(mapped(), 0u);
    EXPECT_EQ(target(), "disk");
    EXPECT_FALSE(record_exists());
}

TEST_F(Attach, OutlivesTheAgent) {
    format();
    ASSERT_TRUE(attach(with_link()));
    ASSERT_TRUE(attacher().recover());
    EXPECT_EQ(mapped(), 1u);
    EXPECT_EQ(target(), mapped_path_);
    ASSERT_TRUE(attacher().detach(name_));
    EXPECT_EQ(target(), "disk");
}

TEST_F(Attach, PutsTheLinkRightIfTheMappingIsGone) {
    format();
    ASSERT_TRUE(attach(with_link()));
    ASSERT_TRUE(volumes_.close(name_));  // a reboot, or somebody's cryptsetup
    EXPECT_TRUE(attach(with_link()));
    ASSERT_TRUE(volumes_.close(name_));
    ASSERT_TRUE(attacher().recover());
    EXPECT_EQ(target(), "disk");
}

TEST_F(Attach, UndoesWhatItDidIfTheLinkCannotBeMoved) {
    format();
    // A folder in the way of the new link's name.
    fs::create_directories(link_ + ".sallyport-new/x");
    EXPECT_FALSE(attach(with_link()));
    EXPECT_EQ(mapped(), 0u);
    EXPECT_EQ(target(), "disk");
    EXPECT_FALSE(record_exists());
}

TEST_F(Attach, ReplacesNothingButALinkInASafeFolder) {
    format();
    EXPECT_EQ(attach({.path = disk_, .replace_link = true}).error().code, Code::InvalidInput);
    fs::permissions(scratch_.path("."), fs::perms::all);
    EXPECT_EQ(attach(with_link()).error().code, Code::Refused);
    EXPECT_EQ(attach({.path = DevicePath(scratch_.path("none"))}).error().code, Code::NotFound);
    EXPECT_EQ(attach({.path = disk_, .name = MappingName("../x")}).error().code, Code::InvalidInput);
    EXPECT_EQ(keys_asked_for_, 0);
}

TEST_F(Attach, SaysWhyALinkThatWasLeftDanglingLeadsNowhere) {
    fs::remove(link_);
    fs::create_symlink("/dev/mapper/gone", link_);
    const auto attached = attach(with_link());
    ASSERT_FALSE(attached);
    EXPECT_THAT(attached.error().message, HasSubstr("points to /dev/mapper/gone, which is gone"));
}

TEST_F(Attach, TellsABrokenRecordToTheLogAndGoesOn) {
    format();
    ASSERT_TRUE(attach(with_link()));
    for (const char* text : {"", "{}", "[]", R"({"name":1})", R"({"name":"x","device":"d","link":"","target":""})"}) {
        std::ofstream(scratch_.path("attachments/broken.json")) << text;
        EXPECT_EQ(AttachmentRecords(scratch_.path("attachments")).all().size(), 1u) << text;
        EXPECT_EQ(AttachmentRecords(scratch_.path("attachments")).find(MappingName("broken")).error().code,
                  Code::Corrupt);
    }
}

TEST(OsBrickName, IsMadeOfThePathsLastPart) {
    EXPECT_EQ(os_brick_name(DevicePath("/dev/disk/by-id/wwn-0x6001")).str(), "crypt-wwn-0x6001");
}

}  // namespace
}  // namespace sallyport::volume
