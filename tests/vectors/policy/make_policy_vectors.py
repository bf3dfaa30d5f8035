#!/usr/bin/python3
"""Writes defaults.json and answers.json beside itself, from Debian's barbican-common and python3-oslo.policy.

defaults.json  Barbican's registered rules: name, check, the check that enforce_new_defaults=false puts in its place, and
               whose tokens enforce_scope lets in (null: everybody's).
answers.json   what oslo.policy says: "expressions" (one rule, a target, a caller -> bool, or null where oslo.policy
               cannot parse the rule and so always refuses), and "defaults" (every rule of Barbican against callers and
               targets, with both sets of defaults, the new ones with enforce_scope: a string of 0 and 1, targets within
               callers).

    /usr/bin/python3 tests/vectors/policy/make_policy_vectors.py
"""
import itertools
import json
import logging
import os
import random
import warnings

from barbican.common import policies
from oslo_config import cfg
from oslo_policy import _checks
from oslo_policy import _parser
from oslo_policy import opts
from oslo_policy import policy

HERE = os.path.dirname(os.path.abspath(__file__))


class Parsed(logging.Handler):
    """oslo.policy logs what it cannot parse and goes on with "never": this notices."""

    def __init__(self):
        super().__init__()
        self.failed = False

    def emit(self, record):
        self.failed = True


WATCH = Parsed()
logging.getLogger('oslo_policy._parser').addHandler(WATCH)
logging.getLogger('oslo_policy._parser').propagate = False


class Rules:
    def __init__(self, rules):
        self.rules = rules


def parse(rule):
    WATCH.failed = False
    parsed = _parser.parse_rule(rule)
    return None if WATCH.failed else parsed


def ask(parsed, target, creds, rules):
    try:
        return bool(_checks._check(parsed, target, creds, Rules(rules), 'x'))
    except (AttributeError, ValueError, TypeError, SyntaxError):
        return None


CALLERS = [
    {'user_id': 'u1', 'project_id': 'p1', 'roles': ['creator', 'Reader'], 'system_scope': ''},
    {'user_id': 'u2', 'project_id': 'p2', 'roles': ['ADMIN', 'key-manager:service-admin'], 'system_scope': 'all'},
    {'user_id': 'u3', 'project_id': 'p1', 'roles': [], 'system_scope': ''},
]
TARGETS = [
    {},
    {'target.secret.project_id': 'p1', 'target.secret.creator_id': 'u1', 'target.secret.read_project_access': 'True'},
    {'target.secret.project_id': 'p2', 'target.secret.creator_id': 'u3', 'target.secret.read_project_access': 'False',
     'target.secret.read': 'read'},
]
HELPERS = {'yes': '@', 'no': '!', 'owner': 'user_id:%(target.secret.creator_id)s', 'staff': 'role:admin or role:creator'}
HAND = [
    '', '@', '!', 'role:creator', 'role:CREATOR', 'role:admin', 'role:key-manager:service-admin', 'role:reader',
    'rule:yes', 'rule:no', 'rule:owner', 'not rule:owner', 'not not rule:yes', 'not @', 'not !',
    'role:creator and role:reader', 'role:creator or role:admin', 'role:creator AND role:reader', 'role:x Or role:reader',
    'role:admin or role:creator and role:nobody', 'role:creator and role:nobody or role:reader',
    '(role:admin or role:creator) and role:reader', 'role:reader and (role:admin or role:creator)',
    'not (role:admin or role:creator)', 'not role:admin or role:creator', 'not role:creator and role:reader',
    'role:reader and not role:admin', '((role:creator))', '( role:creator )', '(not role:creator)', 'not(role:creator)',
    'role:a or role:b or role:creator and role:reader and not role:c or role:d',
    'project_id:%(target.secret.project_id)s', 'project_id:p1', 'project_id:%(nothing)s', 'user_id:u1', 'user_id:U1',
    'nothing:%(target.secret.project_id)s', 'roles:creator', 'roles:Creator', 'roles:Reader', 'system_scope:all',
    "'read':%(target.secret.read)s", "\"read\":%(target.secret.read)s", "'False':%(target.secret.read_project_access)s",
    'True:%(target.secret.read_project_access)s', 'False:%(target.secret.read_project_access)s', 'True:True', 'True:true',
    'None:None', '1:1', '12:%(target.secret.project_id)s', "'p1':%(target.secret.project_id)s", "'a':a", "'':",
    'user_id:x%(target.secret.creator_id)s', "'u1-p1':%(target.secret.creator_id)s-%(target.secret.project_id)s",
    "'100%%':100%%", "'%':%%", 'role:%(target.secret.read)s', 'role:%(nothing)s',
    'not project_id:%(nothing)s', "not 'False':%(nothing)s",
    'a.b:c', 'user_id.x:u1', 'rule:staff and not rule:owner', 'rule:owner or rule:staff and rule:yes',
    # What oslo.policy cannot parse.
    'role', 'and', 'not', 'or role:a', 'role:a and', 'role:a or', 'role:a role:b', '(role:a', 'role:a)', '()', '(())',
    'role:a and or role:b', 'role:a not role:b', "'role:a'", '"x"', 'not', 'not and', '@ and', '! or', ' ', 'role:a and ()',
]
LISTS = [
    [], [[]], ['role:creator'], [['role:creator']], [['role:creator', 'role:reader']], [['role:admin'], ['role:creator']],
    [['role:admin', 'role:x'], ['role:creator', 'user_id:u1']], ['role:admin', 'role:reader'], [['@']], [['!'], ['@']],
    [['rule:owner', 'rule:staff'], 'project_id:p2'], [['role:key-manager:service-admin']],
    [[], ['role:creator']], [['user_id:%(target.secret.creator_id)s', '@']],
]
ATOMS = ['role:creator', 'role:admin', '@', '!', 'rule:owner', 'rule:yes', 'rule:no', 'user_id:u3',
         'project_id:%(target.secret.project_id)s', "'read':%(target.secret.read)s", 'user_id:%(nothing)s',
         'True:%(target.secret.read_project_access)s']


def random_rule(rng, depth):
    kind = rng.randrange(6 if depth else 1)
    if kind == 0:
        return rng.choice(ATOMS)
    if kind == 1:
        return 'not ' + rng.choice(ATOMS)
    if kind == 2:
        return '(' + random_rule(rng, depth - 1) + ')'
    if kind == 3:
        return 'not (' + random_rule(rng, depth - 1) + ')'
    return random_rule(rng, depth - 1) + rng.choice([' and ', ' or ']) + random_rule(rng, depth - 1)


def expressions():
    rng = random.Random(15)
    helpers = {n: _parser.parse_rule(r) for n, r in HELPERS.items()}
    rules = HAND + LISTS + sorted({random_rule(rng, 4) for _ in range(400)})
    out = []
    for rule in rules:
        parsed = parse(rule)
        answers = None if parsed is None else [ask(parsed, t, c, helpers) for c in CALLERS for t in TARGETS]
        if answers is not None and None in answers:
            answers = None
        out.append({'rule': rule, 'answers': answers})
    return {'callers': CALLERS, 'targets': TARGETS, 'helpers': HELPERS, 'rules': out}


ROLES = ['admin', 'creator', 'observer', 'audit', 'bystander', 'member', 'reader', 'key-manager:service-admin']


def default_targets():
    yield {}
    for kind, project, creator in itertools.product(['secret', 'container'], ['pa', 'pb'], ['owner', 'other']):
        base = {'target.%s.project_id' % kind: project, 'target.%s.creator_id' % kind: creator}
        yield base
        for access, listed in itertools.product(['True', 'False'], [False, True]):
            target = dict(base)
            target['target.%s.read_project_access' % kind] = access
            if listed:
                target['target.%s.read' % kind] = 'read'
            yield target
    for project in ['pa', 'pb']:
        yield {'target.order.project_id': project, 'target.order.creator_id': 'owner'}


def enforcer(new):
    """oslo.policy as a service runs it, with Barbican's defaults and no file."""
    conf = cfg.ConfigOpts()
    conf([])
    opts._register(conf)
    conf.set_override('enforce_new_defaults', new, 'oslo_policy')
    conf.set_override('enforce_scope', new, 'oslo_policy')
    made = policy.Enforcer(conf, policy_file='none.yaml')
    made.register_defaults(policies.list_rules())
    made.load_rules()
    return made


def defaults():
    warnings.simplefilter('ignore')
    logging.getLogger('oslo_policy.policy').setLevel(logging.ERROR)
    listed = policies.list_rules()
    table = []
    for r in listed:
        old = getattr(r, 'deprecated_rule', None)
        table.append({'name': r.name, 'check': r.check_str, 'old_check': old.check_str if old else None,
                      'scopes': r.scope_types})
    callers = [{'user_id': 'owner', 'project_id': '' if scope else 'pa', 'roles': [role], 'system_scope': scope}
               for role in ROLES for scope in ['', 'all']]
    targets = list(default_targets())
    answers = {}
    for new in [False, True]:
        deciding = enforcer(new)
        side = {}
        for row in table:
            side[row['name']] = ''.join(
                '1' if deciding.enforce(row['name'], dict(t, enforce_new_defaults=new), dict(c)) else '0'
                for c in callers for t in targets)
        answers['new' if new else 'old'] = side
    return table, {'callers': callers, 'targets': targets, 'answers': answers}


def main():
    table, matrix = defaults()
    for name, value in [('defaults.json', {'rules': table}), ('answers.json', {'expressions': expressions(), 'defaults': matrix})]:
        with open(os.path.join(HERE, name), 'w') as f:
            json.dump(value, f, indent=1, sort_keys=True)
            f.write('\n')


main()
