#!/usr/bin/python3
"""The command line as an operator meets it."""

import json
import os
import pty
import re
import stat
import subprocess
import unittest

import harness

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def run(*arguments, **options):
    return harness.sallyport(*arguments, text=True, **options)


def commands(*path):
    """Every command under a path, from its --help: (path, is it a verb)."""
    text = run(*path, "--help").stdout
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
    if listed is None:
        return [(path, True)]
    names = re.findall(r"^  (\S+)", listed.group(1), re.MULTILINE)
    return [(path, False)] + [found for name in names for found in commands(*path, name)]


class Help(unittest.TestCase):
    def test_every_level_has_help_with_an_example(self):
        found = commands()
        self.assertGreater(len(found), 15)
        for path, _ in found:
            answer = run(*path, "--help")
            self.assertEqual(answer.returncode, 0, path)
            self.assertIn("Example:\n  sallyport " + (path[0] if path else ""), answer.stdout, path)

    def test_every_verb_takes_the_common_options(self):
        for path, is_verb in commands():
            if is_verb:
                text = run(*path, "--help").stdout
                for option in ("--config", "-f,--format", "-c,--column", "-q,--quiet", "-v,--verbose"):
                    self.assertIn(option, text, path)

    def test_wrong_usage_is_status_2_and_one_line(self):
        for words in ([], ["nonsense"], ["secret"], ["secret", "nonsense"], ["secret", "get"], ["version", "--nonsense"],
                      ["version", "-f", "xml"], ["version", "-c", "colour"]):
            answer = run(*words)
            self.assertEqual(answer.returncode, 2, words)
            self.assertEqual(answer.stdout, "", words)
            self.assertRegex(answer.stderr, r"\Asallyport: [^\n]+\n\Z", words)

    def test_an_unknown_command_is_named(self):
        self.assertIn("nonsense", run("nonsense").stderr)
        self.assertIn("nonsense", run("secret", "nonsense").stderr)


class Policy(unittest.TestCase):
    """Offline. The options name the whole policy, so that no configuration of this machine is read."""

    def policy(self, *words):
        words = [str(word) for word in words]
        if "--new-defaults" not in words:
            words.append("--old-defaults")
        if "--policy-file" not in words:
            words += ["--policy-file", str(self.file(""))]
        return run("policy", *words)

    def file(self, text):
        path = harness.temporary_folder(self) / "policy.yaml"
        path.write_text(text)
        return path

    def test_show_lists_every_rule_with_its_default_and_effect(self):
        rows = {row["rule"]: row for row in json.loads(self.policy("show", "-f", "json").stdout)}
        self.assertEqual(len(rows), 87)
        self.assertEqual(rows["secrets:post"]["effect"], "admin, creator")
        self.assertFalse(any(row["changed"] for row in rows.values()))
        policy = self.file("secrets:post: rule:admin\n")
        rows = {row["rule"]: row
                for row in json.loads(self.policy("show", "--policy-file", policy, "-f", "json").stdout)}
        self.assertEqual([name for name, row in rows.items() if row["changed"]], ["secrets:post"])
        self.assertEqual(rows["secrets:post"]["default"], "rule:admin_or_creator")
        self.assertEqual(rows["secrets:post"]["in_force"], "rule:admin")
        self.assertEqual(rows["secrets:post"]["effect"], "admin")

    def test_check_says_yes_or_no_by_its_status(self):
        for status, words in ((0, "--role creator --action secrets:post"), (1, "--role observer --action secrets:post"),
                              (1, "--role creator --action container:delete"),
                              (0, "--role creator --action container:delete --own"),
                              (0, "--role member --action secrets:post --new-defaults"),
                              (0, "--role admin --action secrets:post --new-defaults"),
                              (1, "--role creator --action secrets:post --new-defaults"),
                              (0, "--role admin --action project_quotas:put --new-defaults --system"),
                              (2, "--role admin --action secrets:explode"), (2, "--action secrets:post"),
                              (2, "--role a --action secrets:get --old-defaults --new-defaults")):
            answer = self.policy("check", *words.split())
            self.assertEqual(answer.returncode, status, words + answer.stderr)
            if status < 2:
                self.assertIs(json.loads(answer.stdout)["allowed"], status == 0, words)
        every = json.loads(self.policy("check", "--role", "reader", "-f", "json").stdout)
        self.assertEqual(len(every), 51)
        self.assertFalse(any(row["allowed"] for row in every))

    def test_the_sample_is_a_policy_file_that_changes_nothing(self):
        for defaults in ([], ["--new-defaults"]):
            sample = self.file(self.policy("generate", *defaults).stdout)
            shown = self.policy("show", "--policy-file", sample, *defaults, "-f", "json").stdout
            self.assertEqual(shown, self.policy("show", *defaults, "-f", "json").stdout)
            whole = self.file(self.policy("generate", "--in-force", *defaults).stdout)
            shown_again = self.policy("show", "--policy-file", whole, *defaults, "-f", "json").stdout
            self.assertEqual(shown_again, shown)

    def test_a_broken_file_and_a_rule_without_effect_are_named(self):
        broken = self.policy("show", "--policy-file", self.file("secret:get: role:a and\n"))
        self.assertEqual(broken.returncode, 1)
        self.assertIn("policy rule 'secret:get', character 11", broken.stderr)
        misspelt = self.policy("check", "--role", "x", "--policy-file", self.file("secret:gett: '@'\n"))
        self.assertEqual(misspelt.returncode, 0)
        self.assertIn("'secret:gett' has no effect", misspelt.stderr)


class Output(unittest.TestCase):
    def test_formats(self):
        self.assertEqual(json.loads(run("version").stdout).keys(), {"version", "build_type"})
        self.assertIn("| Field ", run("version", "-f", "table").stdout)
        version = run("version", "-f", "value", "-c", "version").stdout.strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.assertIn(f'version: "{version}"\n', run("version", "-f", "yaml").stdout)

    def test_a_full_disk_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            answer = subprocess.run([harness.SALLYPORT, "version"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(answer.returncode, 1)
        self.assertIn(b"standard output", answer.stderr)


class Completion(unittest.TestCase):
    def complete(self, *words):
        script = run("completion", "bash").stdout
        line = " ".join(f"'{word}'" for word in words)
        return subprocess.run(
            ["bash", "-c", f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _sallyport; "
             "printf '%s\\n' \"${COMPREPLY[@]}\""], capture_output=True, text=True, check=True).stdout.split()

    def test_bash_completes_nouns_verbs_and_options(self):
        self.assertIn("secret", self.complete("sallyport", "se"))
        self.assertEqual(self.complete("sallyport", "secret", "sto"), ["store"])
        self.assertEqual(self.complete("sallyport", "secret", "store", "--pay"), ["--payload-content-type"])
        self.assertEqual(self.complete("sallyport", "secret", "get", "--rev"), ["--reveal"])

    def test_each_shell_has_its_script(self):
        self.assertTrue(run("completion", "zsh").stdout.startswith("#compdef sallyport\n"))
        self.assertIn("complete -c sallyport", run("completion", "fish").stdout)
        self.assertEqual(run("completion", "tcsh").returncode, 2)


class CheckConfig(unittest.TestCase):
    def test_says_all_that_is_wrong_with_file_and_line(self):
        folder = harness.temporary_folder(self)
        path = folder / "agent.yaml"
        path.write_text("listen: [{unix: /a}]\ndatabase: sqlite://\nlimits: {secret_bites: 1}\nlog: {level: loud}\n"
                        "auth: {insecure_no_auth: true}\nsecret_stores: [{type: simple_crypto, kek_files: [/none]}]\n")
        answer = run("check-config", "--config", path)
        self.assertEqual(answer.returncode, 1)
        self.assertIn(f"error: {path}:3: limits.secret_bites: unknown option; did you mean secret_bytes?", answer.stderr)
        self.assertIn(f"error: {path}:4: log.level: expected one of debug, info, warning, error", answer.stderr)
        self.assertIn(f"error: {path}:6: secret_stores[0].kek_files: /none: No such file", answer.stderr)
        self.assertIn(f"warning: {path}:5: auth.insecure_no_auth: weakens security", answer.stderr)
        rows = json.loads(run("check-config", "--config", path, "-f", "json").stdout)
        self.assertEqual({(row["severity"], row["line"]) for row in rows},
                         {("error", 3), ("error", 4), ("error", 6), ("warning", 5)})

    def test_the_policy_file_is_checked_too(self):
        agent = harness.Agent(harness.temporary_folder(self))
        policy = agent.folder / "policy.yaml"
        agent.config["policy_file"] = str(policy)
        policy.write_text("secret:gett: role:keeper\n")
        agent.prepare()
        answer = agent.cli("check-config", text=True)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn(f"warning: {policy}: rule 'secret:gett' has no effect", answer.stderr)
        policy.write_text("secret:get: role:keeper or\n")
        for verb in ("check-config", "serve"):
            answer = agent.cli(verb, text=True)
            self.assertEqual(answer.returncode, 1, answer.stderr)
            self.assertIn(f"{policy}: policy rule 'secret:get', character 15: expected a check", answer.stderr)

    def test_serve_refuses_the_same_file(self):
        folder = harness.temporary_folder(self)
        path = folder / "agent.yaml"
        path.write_text("nonsense: 1\n")
        answer = run("serve", "--config", path)
        self.assertEqual(answer.returncode, 1)
        self.assertIn(f"{path}:1: nonsense: unknown option", answer.stderr)


class DbCreate(unittest.TestCase):
    def setUp(self):
        self.agent = harness.Agent(harness.temporary_folder(self))
        self.agent.config_file.write_text(json.dumps(self.agent.config))
        self.kek = self.agent.folder / "kek"

    def create(self, *arguments):
        return self.agent.cli("db", "create", *arguments, text=True)

    def test_makes_database_and_kek(self):
        answer = self.create("--generate-kek")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(json.loads(answer.stdout)["kek"], "generated")
        self.assertEqual(stat.S_IMODE(self.kek.stat().st_mode), 0o400)
        self.assertRegex(self.kek.read_text(), r"\A[A-Za-z0-9_-]{43}=\Z")
        self.assertTrue((self.agent.folder / "keys.db").exists())

    def test_twice_does_no_harm(self):
        self.create("--generate-kek")
        before = self.kek.read_bytes()
        answer = self.create("--generate-kek")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(self.kek.read_bytes(), before)

    def test_needs_a_kek(self):
        answer = self.create()
        self.assertEqual(answer.returncode, 1)
        self.assertIn("No such file", answer.stderr)
        self.assertFalse((self.agent.folder / "keys.db").exists())

    def test_refuses_a_kek_that_is_not_this_databases(self):
        self.create("--generate-kek")
        self.kek.unlink()
        harness.write_kek(self.kek)
        answer = self.create()
        self.assertEqual(answer.returncode, 1)
        self.assertRegex(answer.stderr, r"\Asallyport: [^\n]+\n\Z")


class Agent(unittest.TestCase):
    def setUp(self):
        self.agent = harness.start_agent(self)
        self.folder = self.agent.folder

    def cli(self, *arguments, status=0, **options):
        answer = self.agent.cli(*arguments, **options)
        self.assertEqual(answer.returncode, status, (arguments, answer.stdout, answer.stderr))
        return answer

    def store(self, payload, *arguments):
        answer = self.cli("secret", "store", "--file", "-", *arguments, input=payload)
        return json.loads(answer.stdout)["Secret href"]

    def test_a_payload_comes_back_byte_for_byte(self):
        for payload, arguments in ((os.urandom(32), ["-a", "aes", "-b", "256", "-s", "symmetric"]), (bytes(range(256)), []),
                                   ("  süß \n".encode(), ["--payload-content-type", "text/plain"])):
            ref = self.store(payload, "--name", "a name", *arguments)
            self.assertEqual(self.cli("secret", "get", ref, "--payload").stdout, payload)
            target = self.folder / ref.rsplit("/", 1)[1]
            self.cli("secret", "get", ref, "--file", target)
            self.assertEqual(target.read_bytes(), payload)
            self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o600)
            again = self.cli("secret", "get", ref, "--file", target, status=1)
            self.assertIn(b"exists already", again.stderr)

    def test_a_terminal_shows_a_payload_only_when_told_to(self):
        ref = self.store(b"swordfish")
        for arguments, status, expected in (([], 1, b""), (["--reveal"], 0, b"swordfish")):
            leader, follower = pty.openpty()
            shown = subprocess.run(
                [harness.SALLYPORT, "secret", "get", ref, "--payload", "--config", str(self.agent.config_file), *arguments],
                stdout=follower, stderr=subprocess.PIPE, check=False)
            os.close(follower)
            self.assertEqual(shown.returncode, status, shown.stderr)
            if expected:
                self.assertEqual(os.read(leader, 100), expected)
            else:
                self.assertIn(b"--reveal", shown.stderr)
            os.close(leader)

    def test_two_steps_and_delete(self):
        ref = json.loads(self.cli("secret", "store", "--name", "later").stdout)["Secret href"]
        self.assertIn(b"sallyport: ", self.cli("secret", "get", ref, "--payload", status=1).stderr)
        self.cli("secret", "update", ref, "--file", "-", input=b"now")
        self.assertEqual(self.cli("secret", "get", ref, "--payload").stdout, b"now")
        self.cli("secret", "update", ref, "--file", "-", input=b"again", status=1)
        other = self.store(b"x")
        partly = self.cli("secret", "delete", ref, "00000000-0000-4000-8000-000000000000", other, status=3)
        self.assertIn(b"1 of 3", partly.stderr)
        self.cli("secret", "get", ref, status=1)
        self.cli("secret", "delete", other)

    def test_a_text_that_is_refused_leaves_nothing_behind(self):
        self.cli("secret", "store", "--file", "-", "-t", "text/plain", input=b"x" * 30000, status=1)
        self.assertEqual(json.loads(self.cli("secret", "list").stdout), [])

    def test_lists_are_filtered(self):
        for name in ("one", "two & three"):
            self.store(b"x", "--name", name)
        names = self.cli("secret", "list", "-f", "value", "-c", "Name").stdout.split(b"\n")[:-1]
        self.assertEqual(sorted(names), [b"one", b"two & three"])
        rows = json.loads(self.cli("secret", "list", "--name", "two & three").stdout)
        self.assertEqual([row["Name"] for row in rows], ["two & three"])

    def test_an_order_makes_a_key(self):
        answer = self.cli("order", "create", "key", "--name", "disk", "-b", "512", "-m", "xts")
        order = json.loads(answer.stdout)
        self.assertEqual(order["Status"], "ACTIVE")
        self.assertEqual(len(self.cli("secret", "get", order["Secret href"], "--payload").stdout), 64)
        self.assertEqual(len(json.loads(self.cli("order", "list").stdout)), 1)
        self.cli("order", "get", order["Order href"])
        self.cli("order", "delete", order["Order href"])
        self.assertEqual(json.loads(self.cli("order", "list").stdout), [])
        self.cli("secret", "get", order["Secret href"])

    def test_a_failed_order_is_a_failure(self):
        answer = self.cli("order", "create", "key", "-a", "des", "-b", "56", status=1)
        self.assertEqual(json.loads(answer.stdout)["Status"], "ERROR")

    def test_an_order_makes_a_key_pair(self):
        order = json.loads(self.cli("order", "create", "asymmetric", "-a", "ec", "-b", "256").stdout)
        self.assertEqual(order["Status"], "ACTIVE")
        pair = json.loads(self.cli("container", "get", order["Container href"]).stdout)
        self.assertEqual({part["name"] for part in pair["Secrets"]}, {"private_key", "public_key"})

    def test_a_container_holds_secrets_and_lets_them_go(self):
        ref = self.store(b"x")
        container = json.loads(self.cli("container", "create", "--name", "c", "--secret", f"part={ref}").stdout)
        self.assertEqual(container["Secrets"], [{"name": "part", "secret_ref": ref}])
        self.assertEqual(json.loads(self.cli("container", "get", container["Container href"]).stdout), container)
        self.assertEqual(json.loads(self.cli("container", "list", "--name", "c").stdout), [container])
        self.assertEqual(json.loads(self.cli("container", "list", "--type", "rsa").stdout), [])
        self.cli("container", "create", "--secret", "no-name", status=2)
        self.cli("container", "create", "--type", "rsa", "--secret", f"part={ref}", status=1)
        self.cli("container", "delete", container["Container href"])
        self.cli("container", "get", container["Container href"], status=1)
        self.cli("secret", "get", ref)

    def test_access_lists_of_secrets_and_containers(self):
        secret = self.store(b"x")
        container = json.loads(self.cli("container", "create").stdout)["Container href"]
        for ref in (secret, container):
            self.assertIs(json.loads(self.cli("acl", "get", ref).stdout)["Project Access"], True)
            shown = json.loads(self.cli("acl", "submit", ref, "--no-project-access", "--user", "u1").stdout)
            self.assertEqual((shown["Project Access"], shown["Users"]), (False, ["u1"]))
            shown = json.loads(self.cli("acl", "user", "add", ref, "--user", "u2", "--user", "u3").stdout)
            self.assertEqual((shown["Project Access"], sorted(shown["Users"])), (False, ["u1", "u2", "u3"]))
            shown = json.loads(self.cli("acl", "user", "remove", ref, "--user", "u1").stdout)
            self.assertEqual(sorted(shown["Users"]), ["u2", "u3"])
            self.cli("acl", "delete", ref)
            self.assertIsNone(json.loads(self.cli("acl", "get", ref).stdout)["Users"])
        self.cli("acl", "get", "nonsense", status=1)

    def test_consumers_of_a_secret(self):
        ref = self.store(b"x")
        consumer = ("-s", "image", "-t", "image", "-i", "1")
        self.cli("secret", "consumers", "create", ref, *consumer)
        rows = json.loads(self.cli("secret", "consumers", "list", ref).stdout)
        self.assertEqual([(row["Service"], row["Resource id"]) for row in rows], [("image", "1")])
        self.cli("secret", "consumers", "delete", ref, *consumer)
        self.cli("secret", "consumers", "delete", ref, *consumer, status=1)

    def test_quotas_are_the_service_admins(self):
        self.assertEqual(json.loads(self.cli("quota", "get").stdout)["secrets"], -1)
        self.cli("quota", "set", "p", status=2)
        self.cli("quota", "set", "p", "--secrets", "1", status=1)
        self.cli("quota", "list", status=1)
        self.cli("quota", "delete", "p", status=1)

    def test_errors_are_one_line_with_what_the_agent_said(self):
        unknown = self.cli("secret", "get", "00000000-0000-4000-8000-000000000000", status=1)
        self.assertRegex(unknown.stderr.decode(), r"\Asallyport: [^\n]*not found[^\n]*\n\Z")
        self.assertIn(b"not the id or ref", self.cli("secret", "get", "../x", status=1).stderr)

    def test_an_agent_that_is_not_there(self):
        self.agent.stop()
        answer = self.cli("secret", "list", status=1)
        self.assertIn(b"is the agent running?", answer.stderr)

    def test_status(self):
        self.assertTrue(json.loads(self.cli("status").stdout))


class Peers(unittest.TestCase):
    """Who calls over the socket is known by the kernel's word, supplementary groups included."""

    NOBODY, GROUP, OTHER = 65534, 54321, 54322

    def setUp(self):
        folder = harness.temporary_folder(self)
        folder.chmod(0o755)
        self.agent = harness.start_agent(
            self, folder, listen=[{"unix": str(folder / "agent.sock"), "mode": "0666"}],
            policy_file=str(harness.ROOT / "etc/policy.yaml"),
            auth={"peers": [{"uid": os.getuid(), "project": "one", "roles": ["admin"]},
                            {"gid": self.GROUP, "project": "one", "roles": ["observer"]}]})

    def status(self, method, groups):
        """What a process of another user gets."""
        script = ("import http.client, socket, sys\n"
                  "connection = http.client.HTTPConnection('x')\n"
                  "connection.sock = socket.socket(socket.AF_UNIX)\n"
                  "connection.sock.connect(sys.argv[1])\n"
                  "connection.request(sys.argv[2], '/v1/secrets', '{}', {'Content-Type': 'application/json'})\n"
                  "print(connection.getresponse().status)\n")
        done = subprocess.run(["/usr/bin/python3", "-c", script, str(self.agent.unix_path), method], user=self.NOBODY,
                              group=self.NOBODY, extra_groups=groups, capture_output=True, text=True, check=True, cwd="/")
        return int(done.stdout)

    def test_a_supplementary_group_lets_in_with_its_roles(self):
        self.assertEqual(self.status("GET", [self.OTHER, self.GROUP]), 200)
        self.assertEqual(self.status("POST", [self.GROUP]), 403)
        self.assertEqual(self.status("GET", [self.OTHER]), 401)
        self.assertEqual(self.status("GET", []), 401)

    def test_the_list_of_groups_may_be_long(self):
        self.assertEqual(self.status("GET", [*range(60000, 60200), self.GROUP]), 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
