#include "keymanager/db/image_repository.h"

#include <utility>

namespace sallyport::db {
namespace {

using model::ImageKeyRecord;

#define IMAGE_COLUMNS "image_id, project_id, secret_id, policy, next_try_at, attempts, note"
constexpr int ImageColumns = 7;

constexpr Query FindImage{"SELECT " IMAGE_COLUMNS " FROM sp_image_keys WHERE image_id = :image", ImageColumns};
constexpr Query InsertImage{
    "INSERT INTO sp_image_keys (" IMAGE_COLUMNS
    ", created_at, updated_at)"
    " VALUES (:image, :project, :secret, :policy, :next_try, :attempts, :note, :created, :updated)"};
constexpr Query UpdateImage{
    "UPDATE sp_image_keys SET project_id = :project, secret_id = :secret, policy = :policy, next_try_at = :next_try,"
    " attempts = :attempts, note = :note, updated_at = :updated WHERE image_id = :image"};
constexpr Query RemoveImage{"DELETE FROM sp_image_keys WHERE image_id = :image"};
constexpr Query DueImages{"SELECT " IMAGE_COLUMNS
                          " FROM sp_image_keys WHERE next_try_at <= :now ORDER BY next_try_at, image_id LIMIT :most",
                          ImageColumns};
constexpr Query ListImages{
    "SELECT " IMAGE_COLUMNS " FROM sp_image_keys WHERE image_id > :after ORDER BY image_id LIMIT :most", ImageColumns};
constexpr Query ImagesOfSecret{"SELECT image_id FROM sp_image_keys WHERE secret_id = :secret ORDER BY image_id", 1};
constexpr Query ListConsumers{
    "SELECT m.resource_id, p.external_id, m.secret_id FROM secret_consumer_metadata m"
    " JOIN secrets s ON s.id = m.secret_id JOIN projects p ON p.id = s.project_id"
    " WHERE m.deleted = '0' AND s.deleted = '0' AND m.service = 'image' AND m.resource_type = 'image'"
    " ORDER BY m.resource_id, m.secret_id LIMIT :most OFFSET :offset",
    3};

ImageKeyRecord take_record(Columns& row) {
    ImageKeyRecord record;
    record.image.image = row.text();
    record.image.project = row.id<ProjectId>();
    record.image.secret = row.id<SecretId>();
    record.image.policy = row.text();
    record.next_try = row.optional_time();
    record.attempts = static_cast<int>(row.integer());
    record.note = row.optional_text().value_or("");
    return record;
}

Result<std::vector<ImageKeyRecord>> records(Session& session, const Query& query, std::initializer_list<Param> params) {
    std::vector<ImageKeyRecord> found;
    TRY(session.select(query, params, [&found](Columns& row) -> Result<void> {
        found.push_back(take_record(row));
        return row.finish();
    }));
    return found;
}

}  // namespace

Result<std::optional<ImageKeyRecord>> find_image_key(Session& session, const std::string& image) {
    std::vector<ImageKeyRecord> found = TRY(records(session, FindImage, {image}));
    if (found.empty()) return std::optional<ImageKeyRecord>();
    return std::optional(std::move(found.front()));
}

Result<void> put_image_key(Session& session, const ImageKeyRecord& record, Timestamp now) {
    const model::ImageKey& image = record.image;
    // The count of changed rows is no answer: MariaDB counts only those that were not like this before.
    if (TRY(find_image_key(session, image.image))) {
        TRY(session.execute(UpdateImage, {image.project, image.secret, image.policy, record.next_try, record.attempts,
                                          record.note, now, image.image}));
        return {};
    }
    TRY(session.execute(InsertImage, {image.image, image.project, image.secret, image.policy, record.next_try,
                                      record.attempts, record.note, now, now}));
    return {};
}

Result<void> forget_image_key(Session& session, const std::string& image) {
    TRY(session.execute(RemoveImage, {image}));
    return {};
}

Result<std::vector<ImageKeyRecord>> due_image_keys(Session& session, Timestamp now, int most) {
    return records(session, DueImages, {now, most});
}

Result<std::vector<ImageKeyRecord>> list_image_keys(Session& session, const std::string& after, int most) {
    return records(session, ListImages, {after, most});
}

Result<std::vector<std::string>> images_of_secret(Session& session, const SecretId& secret) {
    std::vector<std::string> images;
    TRY(session.select(ImagesOfSecret, {secret}, [&images](Columns& row) -> Result<void> {
        images.push_back(row.text());
        return row.finish();
    }));
    return images;
}

Result<std::vector<model::ImageConsumer>> list_image_consumers(Session& session, int offset, int most) {
    std::vector<model::ImageConsumer> consumers;
    TRY(session.select(ListConsumers, {most, offset}, [&consumers](Columns& row) -> Result<void> {
        model::ImageConsumer consumer;
        consumer.image = row.text();
        consumer.project = row.id<ProjectId>();
        consumer.secret = row.id<SecretId>();
        consumers.push_back(std::move(consumer));
        return row.finish();
    }));
    return consumers;
}

}  // namespace sallyport::db
