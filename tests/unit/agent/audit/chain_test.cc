#include "agent/audit/chain.h"

#include <gtest/gtest.h>

#include "keymanager/base/bytes.h"

namespace sallyport::audit {
namespace {

struct Sealed {
    std::string line;
    Link link;
};

Sealed seal(Chain& chain, std::uint64_t sequence, const Mac& previous) {
    Sealed sealed{"{\"seq\":" + std::to_string(sequence) + ",\"event\":\"x\"", {}};
    sealed.link = *chain.seal(sealed.line, sequence, previous);
    sealed.line.pop_back();  // its end
    return sealed;
}

TEST(AuditChain, ReadsWhatItSealed) {
    auto chain = Chain::make(bytes_of("a key"));
    const Sealed first = seal(*chain, 1, Mac{});
    const Sealed second = seal(*chain, 2, first.link.mac);
    const auto read = chain->read(second.line);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->link, second.link);
    EXPECT_EQ(read->previous, first.link.mac);
}

TEST(AuditChain, RefusesALineThatDiffersInAnyByte) {
    auto chain = Chain::make(bytes_of("a key"));
    const std::string line = seal(*chain, 12, Mac{}).line;
    for (std::size_t i = 0; i < line.size(); ++i) {
        std::string changed = line;
        changed[i] = changed[i] == '1' ? '2' : '1';
        EXPECT_FALSE(chain->read(changed)) << changed;
    }
    for (std::size_t size = 0; size < line.size(); ++size) EXPECT_FALSE(chain->read(line.substr(0, size)));
    EXPECT_FALSE(chain->read(line + "}"));
}

TEST(AuditChain, AnotherKeySeesThroughIt) {
    auto chain = Chain::make(bytes_of("a key"));
    auto other = Chain::make(bytes_of("b key"));
    auto none = Chain::make({});
    const std::string line = seal(*chain, 1, Mac{}).line;
    EXPECT_FALSE(other->read(line));
    EXPECT_FALSE(none->read(line));
}

TEST(AuditChain, AHeadRecordIsSealed) {
    auto chain = Chain::make(bytes_of("a key"));
    auto other = Chain::make(bytes_of("b key"));
    const Link link = seal(*chain, 41, Mac{}).link;
    const auto record = chain->head(link);
    ASSERT_TRUE(record);
    const std::string text(record->begin(), record->end());
    EXPECT_EQ(chain->read_head(text), link);
    EXPECT_FALSE(other->read_head(text));
    std::string changed = text;
    changed[19] = '0';  // 40: one line less
    EXPECT_FALSE(chain->read_head(changed));
    EXPECT_FALSE(chain->read_head(text.substr(1)));
}

}  // namespace
}  // namespace sallyport::audit
