#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "keymanager/base/uuid.h"
#include "keymanager/db/repository.h"
#include "keymanager/store/simple_crypto.h"

namespace sallyport {
namespace {

const ProjectId Project("11112222333344445555666677778888");
const Timestamp Now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);
constexpr int Secrets = 10000;

/// A database in a file with `Secrets` stored AES-256 keys, made once and shared by all benchmarks.
class World {
public:
    World() {
        std::string name = (std::filesystem::temp_directory_path() / "sallyport-bench-XXXXXX").string();
        folder_ = mkdtemp(name.data());
        const auto kek_file = folder_ / "kek";
        std::ofstream(kek_file) << "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=\n";
        ::chmod(kek_file.c_str(), 0600);
        bound = *store::make_simple_crypto({"Software", {kek_file}, store::Envelope::Bound}, system_clock());
        barbican = *store::make_simple_crypto({"Software", {kek_file}, store::Envelope::Barbican}, system_clock());
        database = *db::make_database({"sqlite:///" + (folder_ / "bench.sqlite").string(), {}, 8});
        database->create_schema().value();
        kek = *bound->bind_kek(Project);
        database
            ->write([this](db::Session& session) -> Result<void> {
                TRY(db::ensure_project(session, Project, Now));
                TRY(db::insert_kek(session, kek, Now));
                for (int i = 0; i < Secrets; ++i) ids.push_back(TRY(store_one(session)));
                return {};
            })
            .value();
    }
    ~World() { std::filesystem::remove_all(folder_); }

    Result<SecretId> store_one(db::Session& session) {
        model::Secret secret;
        secret.id = SecretId(random_uuid());
        secret.project = Project;
        secret.attributes = {"a name", model::SecretType::Symmetric, "aes", 256, "cbc", std::nullopt};
        secret.created = secret.updated = Now;
        const SecureBytes payload = TRY(bound->generate(32));
        const auto wrapped = TRY(bound->wrap(kek, {secret.id, Project}, payload));
        TRY(db::insert_secret(session, secret));
        TRY(db::insert_payload(session, secret.id, kek.id, wrapped, "application/octet-stream",
                               bound->info().store_plugin, Now));
        return secret.id;
    }

    std::unique_ptr<db::Database> database;
    std::unique_ptr<store::SecretStore> bound, barbican;
    model::KekMeta kek;
    std::vector<SecretId> ids;

private:
    std::filesystem::path folder_;
};

World& world() {
    static World made;
    return made;
}

const SecretId& some_id(std::size_t& turn) {
    turn = (turn + 7919) % Secrets;
    return world().ids[turn];
}

void FindSecretWithPayload(benchmark::State& state) {
    std::size_t turn = static_cast<std::size_t>(state.thread_index()) * 101;
    for (auto _ : state) {
        const auto found = world().database->read(
            [&](db::Session& session) { return db::find_secret_with_payload(session, some_id(turn), Now); });
        if (!found || !found->payload) state.SkipWithError("not found");
        benchmark::DoNotOptimize(found);
    }
}
BENCHMARK(FindSecretWithPayload)->Threads(1)->Threads(2)->UseRealTime();

void FindSecret(benchmark::State& state) {
    std::size_t turn = 0;
    for (auto _ : state) {
        const auto found =
            world().database->read([&](db::Session& session) { return db::find_secret(session, some_id(turn), Now); });
        if (!found) state.SkipWithError("not found");
    }
}
BENCHMARK(FindSecret);

void EmptyRead(benchmark::State& state) {
    for (auto _ : state) {
        if (!world().database->read([](db::Session&) -> Result<void> { return {}; })) state.SkipWithError("failed");
    }
}
BENCHMARK(EmptyRead);

void Unwrap(benchmark::State& state, store::SecretStore& store) {
    const store::SecretBinding row{world().ids[0], Project};
    const auto wrapped = store.wrap(world().kek, row, *store.generate(32));
    for (auto _ : state) {
        const auto payload = store.unwrap(world().kek, row, *wrapped);
        if (!payload) state.SkipWithError("not unwrapped");
    }
}
void UnwrapBound(benchmark::State& state) { Unwrap(state, *world().bound); }
void UnwrapBarbican(benchmark::State& state) { Unwrap(state, *world().barbican); }
BENCHMARK(UnwrapBound);
BENCHMARK(UnwrapBarbican);

void WrapBound(benchmark::State& state) {
    const store::SecretBinding row{world().ids[0], Project};
    const auto payload = world().bound->generate(32);
    for (auto _ : state) {
        if (!world().bound->wrap(world().kek, row, *payload)) state.SkipWithError("not wrapped");
    }
}
BENCHMARK(WrapBound);

void Write(benchmark::State& state) {
    for (auto _ : state) {
        const auto stored = world().database->write([](db::Session& session) { return world().store_one(session); });
        if (!stored) state.SkipWithError("not stored");
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Write)->Threads(1)->Threads(4)->Threads(16)->Threads(64)->UseRealTime();

}  // namespace
}  // namespace sallyport

int main(int argc, char** argv) {
    const auto opened = sallyport::open_secure_arena({.insecure_allow_unlocked_memory = true});
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return 1;
    }
    benchmark::Initialize(&argc, argv);
    sallyport::world();  // outside of what is measured
    benchmark::RunSpecifiedBenchmarks();
}
