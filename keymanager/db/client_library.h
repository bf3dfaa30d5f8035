#pragma once

#include <string>

#include "keymanager/base/result.h"

namespace sallyport::db {

/// A vendor's client library, loaded when a database of that vendor is opened and never before: an agent on SQLite
/// does not pay for it. It stays until the process ends.
class ClientLibrary {
public:
    /// Error: `Unavailable`, naming the Debian package.
    static Result<ClientLibrary> load(const char* file, const char* package);

    /// Sets `function` to what the library calls `name`. Error: `Unavailable` if there is none.
    template <class F>
    Result<void> find(const char* name, F& function) const {
        void* symbol = TRY(find_symbol(name));
        function = reinterpret_cast<F>(symbol);
        return {};
    }

private:
    ClientLibrary(void* handle, const char* file) : handle_(handle), file_(file) {}
    Result<void*> find_symbol(const char* name) const;

    void* handle_;
    const char* file_;
};

}  // namespace sallyport::db
