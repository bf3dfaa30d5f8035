#include "integrations/libvirt/domain_secrets.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/vectors/vectors.h"

namespace sallyport::libvirt {
namespace {

constexpr auto Uuid = "4b33363a-60e0-4c34-a3ae-c975a5370ee2";
constexpr auto OtherUuid = "5c33363a-60e0-4c34-a3ae-c975a5370ee3";

std::string vector_file(const std::string& name) {
    std::ifstream file(vectors_path("libvirt/" + name));
    EXPECT_TRUE(file) << name;
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string domain_with(const std::string& devices) {
    return "<domain type='qemu'><name>g</name><devices>" + devices + "</devices></domain>";
}

std::string encryption(const std::string& secret_attributes, const std::string& format = "luks") {
    return "<encryption format='" + format + "'><secret type='passphrase' " + secret_attributes + "/></encryption>";
}

std::string disk(const std::string& inside, const std::string& target = "vda") {
    return "<disk type='file' device='disk'>" + inside + "<target dev='" + target + "' bus='virtio'/></disk>";
}

std::vector<DiskSecret> secrets_of(const std::string& xml) {
    auto found = domain_secrets(xml);
    EXPECT_TRUE(found) << found.error().message;
    return found ? *std::move(found) : std::vector<DiskSecret>{};
}

Code refusal_of(const std::string& xml) {
    const auto found = domain_secrets(xml);
    EXPECT_FALSE(found);
    return found ? Code::Internal : found.error().code;
}

TEST(DomainSecrets, FindsTheSecretOfADomainThatLibvirtWroteDown) {
    const auto found = secrets_of(vector_file("domain-luks.xml"));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].disk, "vda");
    EXPECT_EQ(found[0].uuid.str(), Uuid);
    EXPECT_EQ(found[0].volume().str(), "11111111-2222-4333-8444-555555555501") << "Nova puts the volume into <serial>";
    EXPECT_EQ(found[1].disk, "vdb");
    EXPECT_EQ(found[1].volume().str(), "11111111-2222-4333-8444-555555555502");
    EXPECT_TRUE(found[1].uuid.empty());
}

TEST(DomainSecrets, ADomainWithoutEncryptedDisksNeedsNone) {
    EXPECT_TRUE(secrets_of(domain_with(disk("<source file='/x'/>"))).empty());
    EXPECT_TRUE(secrets_of("<domain/>").empty());
}

TEST(DomainSecrets, FindsEncryptionInsideTheSource) {
    const auto found = secrets_of(domain_with(disk("<source file='/x'>" + encryption("usage='v1'") + "</source>")));
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].usage.str(), "v1");
}

TEST(DomainSecrets, SaysWhichImageOrDeviceEachOpens) {
    const auto found = secrets_of(
        domain_with(disk("<source file='/images/top'/>" + encryption("usage='a'") +
                         "<backingStore type='block'><source dev='/dev/b'>" + encryption("usage='b'") +
                         "</source></backingStore>") +
                    disk("<source protocol='rbd' name='pool/image'>" + encryption("usage='c'") + "</source>", "vdb")));
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].device, "/images/top");
    EXPECT_EQ(found[1].device, "/dev/b");
    EXPECT_EQ(found[2].device, "") << "a disk without a path has none, least of all another's";
}

TEST(DomainSecrets, FindsThoseOfBackingImagesAndEachOnce) {
    const std::string backing = "<backingStore type='file'><source file='/b'>" + encryption("usage='base'") +
                                "</source><backingStore type='file'>" + encryption("usage='top'") +
                                "</backingStore></backingStore>";
    const auto found = secrets_of(domain_with(disk(encryption("usage='top'") + backing)));
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].usage.str(), "top");
    EXPECT_EQ(found[1].usage.str(), "base");
}

TEST(DomainSecrets, TakesLuksOfLibrbdToo) {
    EXPECT_EQ(
        secrets_of(domain_with(disk(encryption("usage='a'", "luks2")) + disk(encryption("usage='b'", "luks-any"))))
            .size(),
        2U);
}

TEST(DomainSecrets, LeavesWhatIsNotAVolumesPassphrase) {
    EXPECT_TRUE(secrets_of(domain_with(disk(encryption("usage='a'", "qcow")))).empty());
    EXPECT_TRUE(
        secrets_of(domain_with(disk("<encryption format='luks'><secret type='volume' usage='a'/></encryption>")))
            .empty());
    EXPECT_TRUE(secrets_of(domain_with(disk("<source protocol='rbd'><auth username='c'><secret type='ceph' uuid='" +
                                            std::string(Uuid) + "'/></auth></source>")))
                    .empty());
    EXPECT_TRUE(secrets_of(domain_with("<tpm><backend type='emulator'><encryption secret='" + std::string(Uuid) +
                                       "'/></backend></tpm>"))
                    .empty());
    EXPECT_TRUE(secrets_of("<domain><metadata>" + disk(encryption("usage='a'")) + "</metadata></domain>").empty());
}

TEST(DomainSecrets, RefusesASecretThatNamesNothingOrTwoThings) {
    EXPECT_EQ(refusal_of(domain_with(disk(encryption("")))), Code::InvalidInput);
    EXPECT_EQ(refusal_of(domain_with(disk(encryption("usage='v' uuid='" + std::string(OtherUuid) + "'")))),
              Code::InvalidInput);
    EXPECT_EQ(refusal_of(domain_with(disk(encryption("uuid='../../etc/passwd'")))), Code::InvalidInput);
}

TEST(DomainSecrets, RefusesWhatIsNotADomain) {
    EXPECT_EQ(refusal_of(""), Code::InvalidInput);
    EXPECT_EQ(refusal_of("<secret/>"), Code::InvalidInput);
    EXPECT_EQ(refusal_of("<domain><devices></domain>"), Code::InvalidInput);
    EXPECT_EQ(refusal_of(std::string("<domain/>\0<more/>", 17)), Code::InvalidInput);
    EXPECT_EQ(refusal_of("<domain>\xff\xfe</domain>"), Code::InvalidInput);
}

TEST(DomainSecrets, SaysTheLineOfTheFault) {
    const auto found = domain_secrets("<domain>\n<devices>\n</domain>");
    ASSERT_FALSE(found);
    EXPECT_NE(found.error().message.find("line 3"), std::string::npos) << found.error().message;
}

TEST(DomainSecrets, RefusesADocumentTypeBeforeAnyEntityIsRead) {
    const auto external = domain_secrets("<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>");
    ASSERT_FALSE(external);
    EXPECT_NE(external.error().message.find("document type"), std::string::npos) << external.error().message;
    std::string laughs = "<!DOCTYPE domain [<!ENTITY a0 'ha'>";
    for (int i = 1; i < 30; ++i) {
        const std::string previous = "&a" + std::to_string(i - 1) + ";";
        laughs += "<!ENTITY a" + std::to_string(i) + " '" + previous + previous + "'>";
    }
    EXPECT_EQ(refusal_of(laughs + "]><domain><name>&a29;</name></domain>"), Code::InvalidInput);
}

TEST(DomainSecrets, AnEntityThatNobodyDeclaredIsAFault) {
    EXPECT_EQ(refusal_of(domain_with(disk(encryption("usage='&x;'")))), Code::InvalidInput);
}

TEST(DomainSecrets, RefusesWhatIsTooLongOrTooDeep) {
    EXPECT_EQ(refusal_of("<domain>" + std::string(5 * 1024 * 1024, ' ') + "</domain>"), Code::TooLarge);
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    EXPECT_EQ(refusal_of("<domain>" + deep), Code::InvalidInput);
}

TEST(DomainSecrets, ManyDisksTakeNoLongerThanTheyMust) {
    std::string disks;
    for (int i = 0; i < 20'000; ++i) disks += disk(encryption("usage='v" + std::to_string(i) + "'"));
    EXPECT_EQ(secrets_of(domain_with(disks)).size(), 20'000U);
}

}  // namespace
}  // namespace sallyport::libvirt
