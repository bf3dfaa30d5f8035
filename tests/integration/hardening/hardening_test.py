"""The release binary is built as CMakeLists.txt promises: position-independent, full RELRO, guarded stack, fortified."""

import re
import unittest

import harness


def readelf(*options):
    return harness.run([harness.need("readelf", "binutils"), "--wide", *options, harness.SALLYPORT], text=True)


class Hardening(unittest.TestCase):
    def test_it_is_position_independent(self):
        self.assertRegex(readelf("--file-header"), r"Type:\s+DYN")

    def test_its_relocations_are_read_only_before_main(self):
        self.assertIn("GNU_RELRO", readelf("--program-headers"))
        self.assertRegex(readelf("--dynamic"), r"BIND_NOW|FLAGS_1.*NOW")

    def test_its_stack_is_not_executable(self):
        self.assertRegex(readelf("--program-headers"), r"GNU_STACK.* RW ")

    def test_its_stack_frames_and_libc_calls_are_checked(self):
        symbols = readelf("--dyn-syms")
        self.assertIn("__stack_chk_fail", symbols)
        self.assertTrue(re.search(r"__(mem|str|v?s?n?printf|read|fdelt|fread|poll)\w*_chk", symbols), "no fortified call")


if __name__ == "__main__":
    unittest.main()
