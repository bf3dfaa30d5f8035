#pragma once

#include "keymanager/db/session.h"
#include "keymanager/model/kek.h"

/// How the repositories read a row of kek_data. Nothing for anybody else.
namespace sallyport::db {

/// Of "kek_data k"; the project's name stands in "projects kp".
#define KEK_OWN_COLUMNS "k.id, k.plugin_name, k.kek_label, k.algorithm, k.bit_length, k.mode, k.plugin_meta"
#define KEK_COLUMNS KEK_OWN_COLUMNS ", kp.external_id"
inline constexpr int KekColumns = 8;

/// Takes KEK_COLUMNS. The caller asks `row.finish()`.
model::KekMeta take_kek(Columns& row);

}  // namespace sallyport::db
