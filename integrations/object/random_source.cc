#include "integrations/object/random_source.h"

#include "keymanager/crypto/random.h"

namespace sallyport::object {
namespace {

class SystemRandom final : public RandomSource {
public:
    Result<crypto::CounterBlock> draw_iv() override {
        crypto::CounterBlock iv{};
        TRY(crypto::fill_random(iv));
        return iv;
    }
    Result<SecureBytes> draw_key() override { return crypto::random_secret(crypto::AesCtr::KeySize); }
};

}  // namespace

RandomSource& system_random() {
    static SystemRandom source;
    return source;
}

}  // namespace sallyport::object
