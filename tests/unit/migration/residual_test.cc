#include "migration/residual.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/unit/migration/sample_catalog.h"

namespace sallyport::migration {
namespace {

/// "kind id" of each object, by the risk's name.
std::map<std::string, std::string> risks_of(SampleCatalog& sample, const PlanFacts& facts = {}) {
    const Plan plan = make_plan(sample.catalog(), facts);
    std::map<std::string, std::string> risks;
    for (const ResidualRisk& risk : residual_risks(sample.catalog(), plan, facts)) {
        std::string& all = risks[std::string(risk.name)];
        for (const ReportObject& object : risk.objects) all += (all.empty() ? "" : " ") + object.kind + "/" + object.id;
        EXPECT_FALSE(risk.title.empty() || risk.why.empty() || risk.remedy.empty());
    }
    return risks;
}

TEST(Residual, IsEmptyWhereAllIsWell) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "v1", SampleCatalog::RealId);
    for (const auto& [name, objects] : risks_of(sample)) EXPECT_EQ(objects, "") << name;
}

TEST(Residual, NamesWhatNobodyMigrates) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "v1", ZeroKeyId);
    sample.add(Kind::Backup, "b1", "", "v1");
    sample.add(Kind::Volume, "gone", ZeroKeyId).host = sample.text("node9@lvm#pool");
    sample.add(Kind::Volume, "nowhere", SampleCatalog::RealId).host = nullptr;
    sample.add(Kind::Volume, "plain", "").provider = nullptr;
    sample.catalog().volumes.back().host = nullptr;
    sample.add(Kind::Volume, "dead", ZeroKeyId).deleted = true;
    sample.add(Kind::Volume, "odd", "00000000000000000000000000000000");
    sample.add(Kind::Volume, "moving", ZeroKeyId).status = sample.text("awaiting-transfer");
    sample.catalog().zero_key_images = {{"image1", "v1"}, {"", "v2"}};
    const auto risks = risks_of(sample);
    EXPECT_EQ(risks.at("pre-queens-backup"), "backup/b1");
    EXPECT_EQ(risks.at("dead-host"), "volume/gone volume/nowhere");
    EXPECT_EQ(risks.at("deleted-row"), "volume/dead");
    EXPECT_EQ(risks.at("odd-id"), "volume/odd");
    EXPECT_EQ(risks.at("awaiting-transfer"), "volume/moving");
    EXPECT_EQ(risks.at("zero-key-image"), "image/image1 image/(not noted)");
    EXPECT_EQ(risks.at("old-key-still-opens"), "");
}

TEST(Residual, HoldsThatADisabledServiceServesNobody) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "v1", ZeroKeyId);
    sample.catalog().services.front().disabled = true;
    EXPECT_EQ(risks_of(sample).at("dead-host"), "volume/v1");
}

TEST(Residual, KnowsWhatAMigrationOfOursHasStored) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "ours", SampleCatalog::RealId);
    sample.add(Kind::Snapshot, "s1", SampleCatalog::RealId, "ours");
    sample.add(Kind::Volume, "theirs", "11111111-6f0b-4f6e-9d0e-5f3b8f2f1a01");
    PlanFacts facts;
    facts.stored.emplace(key_name(Kind::Volume, "ours"), SecretId(std::string(SampleCatalog::RealId)));
    facts.stored.emplace(key_name(Kind::Volume, "theirs"), SecretId("22222222-6f0b-4f6e-9d0e-5f3b8f2f1a01"));
    EXPECT_EQ(risks_of(sample, facts).at("old-key-still-opens"), "volume/ours");
    const Plan plan = make_plan(sample.catalog(), facts);
    EXPECT_EQ(std::ranges::count_if(plan.rows, [&facts](const PlanRow& row) { return is_migrated(row, facts); }), 2);
}

TEST(Residual, ShowsNoNameThatMisleads) {
    EXPECT_EQ(readable("plain \xC3\xA9"), "plain \xC3\xA9");
    EXPECT_EQ(readable("a\x1B[31m\n\xE2\x80\xAE"
                       "b"),
              "a\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(readable("\xFF"
                       "a"),
              "\xEF\xBF\xBD"
              "a");
}

}  // namespace
}  // namespace sallyport::migration
