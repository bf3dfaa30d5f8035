#include "migration/report_words.h"

#include <fmt/format.h>

namespace sallyport::migration {

std::string_view meaning_of(State state) {
    switch (state) {
        case State::Old: return "all-zeros id: to be migrated";
        case State::Stored: return "all-zeros id, its key is stored already: to be adopted";
        case State::Half: return "snapshot with the all-zeros id of a migrated volume: to be repaired";
        case State::Done: return "has a key id of its own";
        case State::Foreign: return "opens with another key than fixed_key: never touched";
        case State::NeverUsed: return "never written: to be migrated";
        case State::Suspect: return "data without a header: to be looked at";
        case State::Lost: return "its key is gone";
        case State::NoAccess: return "its owner may not read its key: to be granted";
        case State::Unknown: return "the row does not tell";
        case State::Ignore: break;
    }
    return "deleted or not encrypted";
}

long total(const StateCounts& counts, State state) {
    long all = 0;
    for (const auto& [kind, states] : counts) {
        if (const auto found = states.find(state); found != states.end()) all += found->second;
    }
    return all;
}

long total(const StateCounts& counts) {
    long all = 0;
    for (const State state : AllStates) all += state == State::Ignore ? 0 : total(counts, state);
    return all;
}

std::array<std::string, Columns.size()> cells_of(const ReportObject& object) {
    return {object.kind + " " + object.id,
            object.state,
            object.reason,
            object.host,
            object.status,
            object.project,
            object.user};
}

std::string verdict(const Report& report) {
    const std::size_t human = report.needs_human.size();
    const std::string people = human == 0 ? "nothing needs a human"
                                          : fmt::format("{} object{} a human", human, human == 1 ? " needs" : "s need");
    if (report.moments.back().name == "after apply") {
        return fmt::format("There is something to apply ({} keys to store); {}.", report.to_store, people);
    }
    return fmt::format("Nothing is left to apply; {}.", people);
}

}  // namespace sallyport::migration
