#pragma once

#include <boost/json/object.hpp>

#include <iosfwd>
#include <string>
#include <vector>

#include "agent/cli/command.h"
#include "keymanager/base/result.h"

namespace sallyport::cli {

/// Fields in the order in which they are printed. Never holds a secret: see agent/cli/secret_io.h for those.
using Record = boost::json::object;

/// Prints one record to standard output in the format and with the columns that the user asked for.
/// Error: `InvalidInput` (and wrong usage) if -c names a column that there is not.
Result<void> print_record(CliContext& context, const Record& record);

/// Prints a list. `columns` are the columns in their order (rows may lack some: empty, or null in JSON).
Result<void> print_list(CliContext& context, const std::vector<std::string>& columns, const std::vector<Record>& rows);

/// What standard output gets, for verbs that print more than a record or a list.
bool prints_tables(const CliContext& context);
bool prints_json(const CliContext& context);

/// A sentence to the user about what was done, on stderr, unless --quiet.
void remark(const CliContext& context, std::string_view sentence);

/// The same to any stream, for tests; `terminal` says whether a person reads it (control characters are then escaped
/// in every format, and Automatic means a table).
Result<void> write_record(CliContext& context, const Record& record, std::ostream& out, bool terminal);
Result<void> write_list(CliContext& context, const std::vector<std::string>& columns, const std::vector<Record>& rows,
                        std::ostream& out, bool terminal);

}  // namespace sallyport::cli
