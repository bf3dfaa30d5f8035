#include "migration/report.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/migration/sample_catalog.h"

namespace sallyport::migration {
namespace {

const Timestamp Now = *parse_iso8601("2026-11-22T23:00:00Z");
constexpr std::string_view Nasty = "<script>alert('x')</script>|`&\"";

Report report_of(SampleCatalog& sample, const PlanFacts& facts = {}, bool residual = true) {
    const Plan plan = make_plan(sample.catalog(), facts);
    return make_report(sample.catalog(), plan, facts, {Now, "mysql://cinder@db/cinder", residual});
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST(Report, TellsBeforeNowAndAfter) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "done", SampleCatalog::RealId);
    sample.add(Kind::Volume, "old", ZeroKeyId);
    sample.add(Kind::Snapshot, "s", ZeroKeyId, "old");
    PlanFacts facts;
    facts.stored.emplace(key_name(Kind::Volume, "done"), SecretId(std::string(SampleCatalog::RealId)));
    const Report report = report_of(sample, facts);
    ASSERT_EQ(report.moments.size(), 3U);
    EXPECT_EQ(report.moments[0].name, "before the migration");
    EXPECT_EQ(report.moments[0].counts.at(Kind::Volume).at(State::Old), 2);
    EXPECT_EQ(report.moments[1].counts.at(Kind::Volume).at(State::Old), 1);
    EXPECT_EQ(report.moments[2].counts.at(Kind::Volume).at(State::Done), 2);
    EXPECT_EQ(report.moments[2].counts.at(Kind::Snapshot).at(State::Done), 1);
    EXPECT_TRUE(has(to_markdown(report), "There is something to apply (1 keys to store); nothing needs a human."));
}

TEST(Report, HasOneMomentWhereNothingMoves) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "v", SampleCatalog::RealId);
    const Report report = report_of(sample);
    ASSERT_EQ(report.moments.size(), 1U);
    EXPECT_EQ(report.moments[0].name, "now");
    EXPECT_TRUE(has(to_markdown(report), "Nothing is left to apply; nothing needs a human."));
    EXPECT_TRUE(has(to_html(report), "<p>Nothing.</p>"));
    SampleCatalog empty;
    EXPECT_TRUE(has(to_html(report_of(empty)), "nothing is encrypted"));
}

TEST(Report, IsJsonForPrograms) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "v", ZeroKeyId).user = nullptr;
    const auto all = boost::json::parse(to_json(report_of(sample))).as_object();
    EXPECT_EQ(all.at("made_at").as_string(), "2026-11-22T23:00:00Z");
    const auto& human = all.at("needs_human").as_array().at(0).as_object();
    EXPECT_EQ(human.at("id").as_string(), "v");
    EXPECT_EQ(human.at("state").as_string(), "OLD");
    EXPECT_FALSE(human.contains("user"));
    const auto& counts = all.at("moments").as_array().at(0).at("counts").as_object();
    EXPECT_EQ(counts.at("volume").at("OLD").as_int64(), 1);
    EXPECT_EQ(all.at("residual").as_array().size(), 7U);
    EXPECT_FALSE(boost::json::parse(to_json(report_of(sample, {}, false))).as_object().contains("residual"));
}

TEST(Report, LetsNoNameBecomeMarkup) {
    SampleCatalog sample;
    CinderRow& row = sample.add(Kind::Volume, std::string(Nasty), ZeroKeyId);
    row.user = nullptr;
    row.host = sample.text(Nasty);
    row.status = sample.text("awaiting-transfer");
    sample.catalog().zero_key_images = {{std::string(Nasty), std::string(Nasty)}};
    sample.catalog().revision = Nasty;
    const Report report = report_of(sample);
    const std::string page = to_html(report);
    EXPECT_FALSE(has(page, "<script"));
    EXPECT_TRUE(has(page, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;|`&amp;&quot;"));
    EXPECT_FALSE(has(to_markdown(report), "<script"));
    EXPECT_TRUE(has(to_markdown(report), "&lt;script&gt;alert\\('x'\\)&lt;/script&gt;\\|\\`&amp;\""));
}

TEST(Report, IsAPageOfItsOwnInBothThemes) {
    SampleCatalog sample;
    sample.add(Kind::Volume, "v", ZeroKeyId);
    const std::string page = to_html(report_of(sample));
    EXPECT_TRUE(has(page, "prefers-color-scheme:dark"));
    EXPECT_TRUE(has(page, "<svg viewBox"));
    EXPECT_TRUE(has(page, "<title>OLD: 1</title>"));
    for (const char* outside : {"http://", "https://", "src=", "href=", "url("})
        EXPECT_FALSE(has(page, outside)) << outside;
}

TEST(Report, CutsTablesForPeopleAndNotForPrograms) {
    SampleCatalog sample;
    for (int i = 0; i < 1200; ++i) sample.add(Kind::Volume, "v" + std::to_string(i), "odd");
    const Report report = report_of(sample, {}, false);
    EXPECT_TRUE(has(to_markdown(report), "… and 200 more"));
    EXPECT_TRUE(has(to_html(report), "… and 200 more"));
    EXPECT_TRUE(has(to_json(report), "\"v1199\""));
    EXPECT_FALSE(has(to_html(report), "v1199"));
}

}  // namespace
}  // namespace sallyport::migration
