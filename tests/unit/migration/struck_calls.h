#pragma once

/// The system calls by which a process changes files, counted; the n-th kills it before it is made, as a power cut
/// would. write, pwrite, fsync, fdatasync, ftruncate, rename and unlink of this program and of its libraries come
/// through here.
namespace sallyport::migration {

/// From now on the n-th call kills this process; 0: none does, they are only counted.
void strike_at(long call);
/// How many there were since strike_at().
long calls_so_far();

}  // namespace sallyport::migration
