"""The agent with root secrets for the filter in Swift's pipeline, set up as docs/swift.md tells."""

import os

import harness


def start_agent(test, secrets, active="", version=2, folder=None):
    """A running agent that holds `secrets` (bytes by id), imported over standard input."""
    agent = harness.Agent(folder or harness.temporary_folder(test), {
        "roles": ["keymanager", "objects"],
        "auth": {"peers": [{"uid": os.getuid(), "project": harness.PROJECT, "roles": ["admin", "object-keys"]}],
                 "insecure_no_auth": True}})
    test.addCleanup(agent.stop)
    agent.start()
    import_secrets(agent, secrets, active, version)
    return agent


def import_secrets(agent, secrets, active="", version=2):
    """Puts secrets into the key manager, names them in the configuration, and starts the agent anew."""
    objects = agent.config.setdefault("objects", {"project": harness.PROJECT, "root_secrets": {}})
    for name, secret in secrets.items():
        objects["root_secrets"][name] = import_secret(agent, secret)
    objects["active_root_secret"] = active
    objects["meta_version"] = version
    agent.stop()
    agent.start()


def import_secret(agent, secret):
    """The id under which the key manager has these bytes."""
    made = agent.cli("secret", "store", "--name", "swift root secret", "--secret-type", "symmetric", "--algorithm", "aes",
                     "--bit-length", str(8 * len(secret)), "--file", "-", "-f", "value", "-c", "Secret href",
                     input=secret)
    if made.returncode != 0:
        raise AssertionError(made.stderr.decode())
    return made.stdout.decode().strip().rsplit("/", 1)[-1]
