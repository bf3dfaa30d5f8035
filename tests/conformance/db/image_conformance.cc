#include <string>

#include "keymanager/base/uuid.h"
#include "keymanager/db/consumer_repository.h"
#include "keymanager/db/image_repository.h"
#include "keymanager/db/repository.h"
#include "tests/conformance/db/database_conformance.h"

namespace sallyport::db {
namespace {

using model::ImageKeyRecord;
using std::chrono::seconds;

const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(6);
const ProjectId Ours("11112222333344445555666677778888");
const std::string First = "0c5f6a5e-9d0e-4cf1-9a53-5d5a4a6e3c55";
const std::string Second = "6f0d2f6e-9b2c-4a43-8f0e-0f5c6f2f4a11";

ImageKeyRecord record_of(const std::string& image, const SecretId& secret, std::optional<Timestamp> next_try = {}) {
    return {.image = {image, Ours, secret, "on_image_deletion"}, .next_try = next_try};
}

Result<void> put(Database& db, const ImageKeyRecord& record) {
    return db.write([&record](Session& session) { return put_image_key(session, record, Now); });
}

TEST_P(RepositoryConformance, AnImagesKeyIsPutReplacedFoundAndForgotten) {
    const std::string image = random_uuid();
    const SecretId secret(random_uuid());
    const auto found = [&] {
        return *db().read([&image](Session& session) { return find_image_key(session, image); });
    };
    EXPECT_FALSE(found());
    ImageKeyRecord record = record_of(image, secret);
    ASSERT_TRUE(put(db(), record));
    EXPECT_EQ(found()->image, record.image);
    EXPECT_FALSE(found()->next_try);
    record.next_try = Now;
    record.attempts = 3;
    record.note = "Glance is away: \"why?\" \xc3\xa4";
    for (int twice = 0; twice < 2; ++twice) ASSERT_TRUE(put(db(), record));
    EXPECT_EQ(found()->next_try, Now);
    EXPECT_EQ(found()->attempts, 3);
    EXPECT_EQ(found()->note, record.note);
    EXPECT_EQ(*db().read([&secret](Session& session) { return images_of_secret(session, secret); }),
              std::vector<std::string>{image});
    ASSERT_TRUE(db().write([&image](Session& session) { return forget_image_key(session, image); }));
    EXPECT_FALSE(found());
}

TEST_P(RepositoryConformance, ImagesComeWhenTheyAreDueTheLongestWaitingFirst) {
    const SecretId secret(random_uuid());
    const std::string seen = random_uuid();
    ASSERT_TRUE(put(db(), record_of(seen, secret)));
    ASSERT_TRUE(put(db(), record_of(First, secret, Now + seconds(2))));
    ASSERT_TRUE(put(db(), record_of(Second, secret, Now + seconds(1))));
    const auto due = [this](Timestamp at, int most) {
        std::vector<std::string> images;
        const auto records = db().read([at, most](Session& session) { return due_image_keys(session, at, most); });
        EXPECT_TRUE(records);
        for (const auto& record : *records) images.push_back(record.image.image);
        return images;
    };
    EXPECT_EQ(due(Now, 10), std::vector<std::string>{});
    EXPECT_EQ(due(Now + seconds(1), 10), std::vector<std::string>{Second});
    EXPECT_EQ(due(Now + seconds(2), 10), (std::vector<std::string>{Second, First}));
    EXPECT_EQ(due(Now + seconds(9), 1), std::vector<std::string>{Second});
    for (const std::string& image : {First, Second, seen}) {
        ASSERT_TRUE(db().write([&image](Session& session) { return forget_image_key(session, image); }));
    }
}

TEST_P(RepositoryConformance, ImagesAreListedByTheirIds) {
    const SecretId secret(random_uuid());
    for (const std::string& image : {Second, First}) ASSERT_TRUE(put(db(), record_of(image, secret)));
    const auto list = [this](const std::string& after, int most) {
        return *db().read([&](Session& session) { return list_image_keys(session, after, most); });
    };
    ASSERT_EQ(list("", 10).size(), 2u);
    EXPECT_EQ(list("", 1).front().image.image, First);
    EXPECT_EQ(list(First, 10).front().image.image, Second);
    EXPECT_TRUE(list(Second, 10).empty());
    for (const std::string& image : {First, Second}) {
        ASSERT_TRUE(db().write([&image](Session& session) { return forget_image_key(session, image); }));
    }
}

TEST_P(RepositoryConformance, ImagesThatAreConsumersAreListedWithTheirSecrets) {
    const SecretId live(random_uuid()), dead(random_uuid());
    ASSERT_TRUE(db().write([&](Session& session) -> Result<void> {
        TRY(ensure_project(session, Ours, Now));
        for (const SecretId& id : {live, dead}) {
            model::Secret secret;
            secret.id = id;
            secret.project = Ours;
            secret.created = secret.updated = Now;
            TRY(insert_secret(session, secret));
        }
        for (const SecretId& id : {live, dead}) {
            TRY(put_consumer(session, id,
                             {.service = "image", .resource_type = "image", .resource_id = First, .owner = Ours}, Now));
        }
        TRY(put_consumer(session, live,
                         {.service = "cinder", .resource_type = "volume", .resource_id = Second, .owner = Ours}, Now));
        return delete_secret(session, dead, Now);
    }));
    const auto list = [this](int offset) {
        return *db().read([offset](Session& session) { return list_image_consumers(session, offset, 10); });
    };
    ASSERT_EQ(list(0).size(), 1u);
    EXPECT_EQ(list(0).front().image, First);
    EXPECT_EQ(list(0).front().project, Ours);
    EXPECT_EQ(list(0).front().secret, live);
    EXPECT_TRUE(list(1).empty());
}

}  // namespace
}  // namespace sallyport::db
