#include "keymanager/db/client_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace sallyport::db {

Result<ClientLibrary> ClientLibrary::load(const char* file, const char* package) {
    void* handle = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return ClientLibrary(handle, file);
    const char* reason = ::dlerror();
    return Error{Code::Unavailable,
                 fmt::format("this database needs the library {}: apt-get install {}", file, package),
                 reason != nullptr ? reason : ""};
}

Result<void*> ClientLibrary::find_symbol(const char* name) const {
    void* symbol = ::dlsym(handle_, name);
    if (symbol != nullptr) return symbol;
    return Error{Code::Unavailable, fmt::format("the library {} has no {}", file_, name), {}};
}

}  // namespace sallyport::db
