"""migration/oslo_config answers as the real oslo.config does: see README.md."""

import os
import random
import re
import subprocess
import sys
import unittest

import harness

harness.need("python3", "python3-oslo.config")
from oslo_config import cfg  # noqa: E402

PROGRAM = sys.argv.pop(1)
CASES = int(os.environ.get("OSLO_CASES", "1500"))
SEED = int(os.environ.get("OSLO_SEED", "6"))

# What both are asked. Only options that a file sets are registered with oslo.config: a reference to one that is not
# set is then an error for both (ours cannot know what a service registers).
STRINGS = [(group, name) for group in ["DEFAULT", "g", "key_manager", "keymgr", "sql", "database", "keystone_authtoken"]
           for name in ["a", "b_c", "d"]]
LISTS = [("DEFAULT", "m"), ("g", "m")]
BOOLEANS = [("g", "flag")]
INTEGERS = [("g", "count")]
OLD = cfg.DeprecatedOpt
# As Cinder, castellan, oslo.db and keystoneauth register them; castellan's default of backend is left out.
RENAMED = [
    ("key_manager", cfg.StrOpt("fixed_key", deprecated_group="keymgr")),
    ("key_manager", cfg.StrOpt("backend", deprecated_name="api_class", deprecated_group="key_manager")),
    ("database", cfg.StrOpt("connection", deprecated_opts=[
        OLD("sql_connection", group="DEFAULT"), OLD("sql_connection", group="DATABASE"), OLD("connection", group="sql")])),
    ("keystone_authtoken", cfg.StrOpt("username", deprecated_opts=[OLD("user-name"), OLD("user_name")])),
    ("keystone_authtoken", cfg.StrOpt("project-name", deprecated_opts=[OLD("tenant-name"), OLD("tenant_name")])),
]

BY_HAND = [
    b"", b"\n\n# only a comment\n", b"a=1\n", b"\xef\xbb\xbf[DEFAULT]\na=1\n", b"[DEFAULT]\na=\xff\n", b"[DEFAULT]\na=\xed\xa0\x80\n",
    b"[DEFAULT\na=1\n", b"[]\na=1\n", b"[\n", b"[DEFAULT] # main\na=1\n", b"[ g ]\na=1\n", b"[[g]]\na=1\n[g]\na=2\n",
    b"[DEFAULT]\na\n", b"[DEFAULT]\n=1\n", b"[DEFAULT]\n : 1\n", b"[DEFAULT]\n  a=1\n", b"[DEFAULT]\na=1\n\n  2\n",
    b"[DEFAULT]\na=1\n# c\n  2\n", b"[DEFAULT]\na=1\n  # not a comment\n  ; nor this\n", b"[DEFAULT]\na=1\n[g]\n  2\n",
    b"[DEFAULT]\na = x # not a comment\n", b"[DEFAULT]\na=\n  1\n\t2  \n", b'[DEFAULT]\na="x\n  y"\n', b"[DEFAULT]\na = ' x '\nb_c=\"'x'\"\n",
    b"[DEFAULT]\na=\"x'\nb_c='\n", b"[DEFAULT]\na:b=c\nb_c=d:e\n", b"[DEFAULT]\ra=1\r\r\nb_c=2", b"[DEFAULT]\na=1\r\n  2\r\n",
    b"[DEFAULT]\na=1\na=2\n[G]\na=3\n[g]\na=4\n[G]\na=5\n", b"[default]\na=1\n[Default]\na=2\n", b"[DEFAULT]\nA=1\n",
    b"[DEFAULT]\nb-c=1\n", b"[DEFAULT]\na=$b_c\nb_c=$$x\\$y\n", b"[DEFAULT]\na=$\\$b_c $b_c. ${b_c}. ${b_c ${} $1 $\nb_c=1\n",
    b"[DEFAULT]\na=${g.a} $g.d\n[g]\na=1\nd=$a$b_c\n[DEFAULT]\nb_c=2\n", b"[DEFAULT]\na=$b_c\nb_c=$a\n", b"[DEFAULT]\na=$a\n",
    b"[DEFAULT]\na=$nowhere\n", b"[DEFAULT]\na=$g.nowhere\n", b"[g]\na=$b_c\nb_c=$nowhere\n[DEFAULT]\nb_c=1\n", b"[DEFAULT]\na=$B_C\nb_c=1\n",
    b"[keymgr]\nfixed_key=00\n", b"[keymgr]\nfixed_key=00\n[key_manager]\nfixed_key=11\n", b"[key_manager]\nfixed_key=11\n[KEYMGR]\nfixed_key=00\n",
    b"[key_manager]\napi_class=x\n", b"[key_manager]\napi_class=x\nbackend=y\n", b"[DATABASE]\nsql_connection=x\n", b"[DEFAULT]\nsql_connection=y\n",
    b"[sql]\nconnection=z\n[Database]\nsql_connection=x\n", b"[keystone_authtoken]\nuser-name=1\n", b"[keystone_authtoken]\nuser_name=1\ntenant-name=2\n",
    b"[keystone_authtoken]\nproject-name=1\n", b"[g]\nflag=yes\ncount=+1_000\n", b"[g]\nflag=maybe\ncount=1__0\n", b"[g]\nflag=\ncount=\n",
    b"[g]\nflag=OFF\ncount= -007\n", b"[g]\ncount=0x10\n", b"[g]\ncount=+-1\n", b"[g]\nm=1\nm=2\n[DEFAULT]\nm=3\n  4\nm=\n[G]\nm=5\n",
    "[DEFAULT]\na=\u00a0x\u3000\nb_c\u2003=\u2028y\u0085\n".encode(), b"[DEFAULT]\na=x\x0b\x0c\x1cy\x1d\x1e\x1f\n", b"[DEFAULT]\n\x0ba=1\n\x1c\nb_c=2\n",
    b"[DEFAULT]\na=\x00x\x00\n", b"[DEFAULT]\na=%(b_c)s\nb_c=1\n",
]

PIECES = (["[DEFAULT]", "[g]", "[G]", "[ g]", "[default]", "[key_manager]", "[keymgr]", "[KEYMGR]", "[database]", "[sql]", "[keystone_authtoken]"],
          ["a=", "b_c = ", "b-c=", "d : ", "flag=", "count=", "m=", "fixed_key =", "backend=", "api_class:", "sql_connection=",
           "connection = ", "username=", "user-name=", "user_name=", "tenant-name=", "tenant_name=", "project_name=", "=", "#", ";", " ", "\t", "\x0b", "x"],
          ["x", '"q"', "'q'", '"', "'", '"x', "$a", "${a}", "$b_c", "${g.a}", "$g.d", "$d", "\\$a", "$$", "$", "${", "${a", "$a.", "$zz", "é", "\u00a0",
           "\u3000", "\u2028", " # no", " ; no", "x y", "%(a)s", "1", "true", "On", "off", "007", "1_0", "+5", "-3", "_1", "", "", "=", ":", "\\", "]", "["])
WORDS = ["true", "On", "YES", "1", "false", "off", "No", "0", "007", "1_0", "+5", "-3", " 8 "]
ENDS = ["\n"] * 4 + ["\r\n", "\r"] * 3 + ["\n\n"] * 4 + [""]
# oslo.config also finds a deprecated name that a value refers to; nobody refers to one.
DEPRECATED_REFERENCE = re.compile(r"\$\{?(\w+\.)?(user|tenant|project|api|sql|fixed|conn|backend)")


def generated(dice):
    """Some lines of which most are well-formed."""
    text = dice.choice(["[DEFAULT]\n", "[g]\n", "[DEFAULT]\n", "# c\n[g]\r\n"]) if dice.random() < 0.97 else "a=1\n"
    assigned = False
    for _ in range(dice.randrange(14)):
        kind = dice.random()
        if kind < 0.2:
            text += dice.choice(PIECES[0])
        elif kind < 0.75:
            option = dice.choice(PIECES[1][:18] + ["flag=", "count="])
            values = WORDS if option in ["flag=", "count="] and dice.random() < 0.8 else PIECES[2]
            text += option + "".join(dice.choices(values, k=dice.choice([0, 1, 1, 1, 1, 1, 2, 3])))
        elif kind < 0.99:
            text += dice.choice(["  ", "\t"] if assigned else ["# ", ";"]) + "".join(dice.choices(PIECES[2], k=dice.randrange(3)))
        else:
            text += "".join(dice.choices(sum(PIECES, []), k=dice.randrange(4)))
        end = dice.choice(ENDS) if dice.random() < 0.4 else "\n"
        assigned = 0.2 <= kind < 0.99 and (kind < 0.75 or assigned) and end != "\n\n"
        text += end
    if DEPRECATED_REFERENCE.search(text):
        return generated(dice)
    raw = text.encode()
    if dice.random() < 0.02 and raw:
        at = dice.randrange(len(raw))
        raw = raw[:at] + bytes([dice.randrange(256)]) + raw[at + 1:]
    return raw


class Theirs:
    """What oslo.config says of files, in the words of oslo_config_program."""

    def __init__(self, paths):
        self.failure = None
        arguments = []
        for path in paths:
            arguments += ["--config-dir" if os.path.isdir(path) else "--config-file", str(path)]
        self.conf = cfg.ConfigOpts()
        try:
            self.conf(arguments, default_config_files=[], default_config_dirs=[])
        except (cfg.ConfigFileParseError, UnicodeDecodeError) as failure:
            self.failure = failure
            return
        present = {(group, name) for sections in self.conf._namespace._normalized
                   for group, names in sections.items() for name in names}
        for kinds, make in [(STRINGS, cfg.StrOpt), (LISTS, cfg.MultiStrOpt), (BOOLEANS, cfg.BoolOpt), (INTEGERS, cfg.IntOpt)]:
            for group, name in kinds:
                if (group, name) in present:
                    self.conf.register_opt(make(name), group=None if group == "DEFAULT" else group)
        for group, option in RENAMED:
            self.conf.register_opt(option, group=group)

    def answer(self, kind, group, name):
        if self.failure is not None:
            return "error"
        name = name.replace("-", "_")
        try:
            value = self.conf._get(name, None if group == "DEFAULT" else self.conf._get_group(group))
        except (cfg.NoSuchOptError, cfg.NoSuchGroupError) as failure:
            asked = isinstance(failure, cfg.NoSuchGroupError) and failure.group_name == group
            asked = asked or isinstance(failure, cfg.NoSuchOptError) and failure.opt_name == name and \
                (failure.group.name if failure.group else "DEFAULT") == group
            if asked and not self.registered(group, name):
                return "values" if kind == "texts" else "none"
            return "error"
        except (cfg.Error, ValueError, RecursionError):
            return "error"
        if value is None:
            return "none"
        if kind == "texts":
            return " ".join(["values"] + [text.encode().hex() for text in value])
        if kind == "text":
            return "value " + value.encode().hex()
        return str(value).lower()

    def registered(self, group, name):
        options = self.conf._opts if group == "DEFAULT" else getattr(self.conf._groups.get(group), "_opts", {})
        return name in options


QUESTIONS = ([("text", *option) for option in STRINGS] + [("texts", *option) for option in LISTS] +
             [("boolean", *option) for option in BOOLEANS] + [("integer", *option) for option in INTEGERS] +
             [("text", group, option.name) for group, option in RENAMED])


class OsloConfig(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.cases = []

    def write(self, name, raw):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(raw)
        return path

    def compare(self):
        """Asks both everything of all cases; returns how often each kind of answer came."""
        lines = "".join("\t".join([*question, *map(str, paths)]) + "\n" for paths in self.cases for question in QUESTIONS)
        ours = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, check=True, timeout=100).stdout
        answers = iter(ours.split("\n"))
        seen = {}
        for paths in self.cases:
            theirs = Theirs(paths)
            texts = [path.read_bytes() for path in paths if path.is_file()]
            for question in QUESTIONS:
                answer = next(answers)
                word = answer.split(" ")[0]
                expected = theirs.answer(*question)
                self.assertEqual(word if word == "error" else answer, expected, (question, texts, answer))
                seen[word] = seen.get(word, 0) + 1
                self.same_line(theirs.failure, answer)
        return seen

    def same_line(self, failure, answer):
        """Both name the same file and line, except that oslo.config finds the missing group only with the next line."""
        if not isinstance(failure, cfg.ConfigFileParseError) or "Section must be started" in str(failure):
            return
        named = re.search(r"at (/\S+):(\d+),", str(failure))
        self.assertIn(f"error {named[1]}:{named[2]}: ", answer)

    def test_odd_files_written_by_hand(self):
        for number, raw in enumerate(BY_HAND):
            self.cases.append([self.write(f"{number}.conf", raw)])
        seen = self.compare()
        self.assertGreater(seen["error"], 100)
        self.assertGreater(seen["value"], 40)

    def test_several_files_and_folders(self):
        first = self.write("first.conf", b"[DEFAULT]\na=1\nm=1\n[key_manager]\nfixed_key=11\n")
        second = self.write("second.conf", b"[DEFAULT]\na=2\nm=2\n[keymgr]\nfixed_key=00\n")
        for name, raw in [("b.conf", b"[g]\nm=b\na=b\n"), ("a.conf", b"[g]\nm=a\na=a\n"), ("Z.conf", b"[g]\nm=Z\n"),
                          (".hidden.conf", b"[g]\nm=h\na=h\n"), ("c.conf.rpmsave", b"[g]\na=c\n")]:
            self.write("folder/" + name, raw)
        folder = self.folder / "folder"
        self.cases += [[first, second], [second, first], [folder], [first, folder], [folder, second], [first, first]]
        self.compare()

    def test_generated_files(self):
        dice = random.Random(SEED)
        for number in range(CASES):
            count = dice.choice([1, 1, 1, 2, 3])
            self.cases.append([self.write(f"{number}.{part}.conf", generated(dice)) for part in range(count)])
        seen = self.compare()
        print(f"{CASES} cases, {len(QUESTIONS)} questions each: {seen}")
        for word in ["error", "none", "value", "values", "true", "false"]:
            self.assertGreater(seen[word], 10, seen)


if __name__ == "__main__":
    unittest.main()
