"""No text from a table or bucket becomes code, no secret is written down, and the role needs what the docs say."""

import json
import re
from fnmatch import fnmatchcase
from urllib.parse import parse_qs, unquote, urlparse

from auto_train.lake import Folder
from tests import faults, s3
from tests.conftest import ROOT, Project
from tests.mice import GOOD_MOUSE, ITS_STAGES, mouse
from tests.publishing.test_s3 import upload_behavior

DOCS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def test_hostile_texts_in_any_column_and_file_do_nothing(project: Project) -> None:
    trap = project.folder / "trap"
    hostile = [
        f"'; copy (select 1) to '{trap}'; --",
        "{{ run_query('drop schema staging cascade') }}",
        f"__import__('os').system('touch {trap}')",
        f"!!python/object/apply:os.system ['touch {trap}']",
        f"lambda metrics: open('{trap}', 'w')",
        f"$(touch {trap})",
        "../../../etc/passwd",
    ]
    texts = ("curriculum_name", "curriculum_version", "curriculum_schema_version", "current_stage_actual", "task")
    rows = [
        mouse(f"8{place}{number}", **{column: "'" + text.replace("'", "''") + "'"})
        for place, column in enumerate(texts)
        for number, text in enumerate(hostile)
    ]
    rows += [mouse(text.replace("'", "''")) for text in hostile]
    rows += [mouse("9", session_date="'" + text.replace("'", "''") + "'") for text in hostile[:1]]
    # what lies in the lake beside the tables is read as data too, or not at all
    lake = Folder(str(project.lake))
    planted = {
        "saved_curriculums/Coupled Baiting_curriculum_v9.9_schema_v1.0.json": json.dumps({"condition": hostile[4]}),
        "df_manager_test.pkl": f"cos\nsystem\n(S'touch {trap}'\ntR.",
        "manifest_test.yml": hostile[3],
    }
    for name, content in planted.items():
        path = project.lake / "foraging_auto_training" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    project.write_behavior(" union all ".join([GOOD_MOUSE, *rows]))
    project.build()
    project.decide()
    assert not trap.exists()
    good = project.df_manager("next_stage_suggested", "subject_id = '700001'")
    assert [stage for (stage,) in good] == ITS_STAGES
    assert lake.paths("foraging_auto_training/saved_curriculums")
    reasons = {reason for _, _, reason in project.quarantine()}
    assert reasons == {"unknown_curriculum", "subject_id_pattern", "unreadable_date"}
    # a hostile stage is not a stage's name, so open loop; a hostile task is only a text
    assert len(project.df_manager("1", "length(subject_id) = 3")) == 2 * len(hostile)


def test_no_secret_is_written_anywhere(on_s3: Project, s3_server: s3.Server) -> None:
    upload_behavior(on_s3, s3_server, GOOD_MOUSE)
    on_s3.workplace = on_s3.folder
    on_s3.environment["AUTO_TRAIN_DATABASE"] = str(on_s3.folder / "database.duckdb")
    done = on_s3.command("-m", "scripts", "nightly", *on_s3.options, "--debug", "--exclude-resource-type", "unit_test")
    assert done.returncode == 0, done.stdout
    # what is said when things go wrong is where secrets slip out
    bucket = on_s3.environment["AUTO_TRAIN_LAKE"].split("/")[2]
    s3_server.client().put_object(Bucket=bucket, Key="mice/night/df_behavior.parquet", Body=b"damaged")
    failed = on_s3.command(
        "-m", "scripts", "nightly", *on_s3.options, "--debug", "--exclude-resource-type", "unit_test"
    )
    assert failed.returncode != 0
    generated = on_s3.command("-m", "dbt.cli.main", "docs", "generate", *on_s3.options)
    written = [path for path in on_s3.folder.rglob("*") if path.is_file()]
    assert {"manifest.json", "dbt.log", "database.duckdb"} <= {path.name for path in written}
    for secret in (s3.SECRET, s3.KEY):
        assert [path for path in written if secret.encode() in path.read_bytes()] == []
        for ran in (done, failed, generated):
            assert secret not in ran.stdout + ran.stderr
    objects = s3_server.client().list_objects_v2(Bucket=bucket)["Contents"]
    for entry in objects:
        content = s3_server.client().get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
        assert s3.SECRET.encode() not in content


def allowed(policy: dict, action: str, bucket: str, key: str) -> bool:
    def matches(statement: dict) -> bool:
        resources = statement["Resource"]
        resources = [resources] if isinstance(resources, str) else resources
        prefixes = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix")
        if action == "s3:ListBucket":
            return any(fnmatchcase(key, pattern) for pattern in prefixes) and f"arn:aws:s3:::{bucket}" in resources
        return any(fnmatchcase(f"arn:aws:s3:::{bucket}/{key}", pattern) for pattern in resources)

    return any(statement["Action"] == action and matches(statement) for statement in policy["Statement"])


def actions(proxy: faults.Proxy) -> set[tuple[str, str, str]]:
    """IAM actions that the requests need, with bucket and key (or, to list, the prefix)."""
    found = set()
    for method, path, headers in proxy.requests:
        url = urlparse(path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        if method in ("GET", "HEAD") and not key:
            prefix = parse_qs(url.query).get("prefix", [""])[0]
            found.add(("s3:ListBucket", bucket, prefix))
        else:
            action = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}
            found.add((action[method], bucket, key))
        source = {name.lower(): value for name, value in headers.items()}.get("x-amz-copy-source")
        if source:
            of_bucket, _, of_key = unquote(source).lstrip("/").partition("/")
            found.add(("s3:GetObject", of_bucket, of_key))
    return found


def test_the_policy_in_the_docs_allows_what_a_night_asks_for_and_nothing_it_does_not(
    on_s3: Project, s3_server: s3.Server
) -> None:
    policy = json.loads(re.search(r"```json\n(.*?)```", DOCS, re.DOTALL).group(1))
    bucket = on_s3.environment["AUTO_TRAIN_LAKE"].split("/")[2]
    on_s3.environment |= {
        "AUTO_TRAIN_LAKE": f"s3://{bucket}/mice",
        "AUTO_TRAIN_MIRROR": f"s3://{bucket}/mirror",
        "AUTO_TRAIN_LEGACY_PICKLE": "yes",
        "AUTO_TRAIN_KEEP_RUNS": "1",
    }
    asked: set[tuple[str, str, str]] = set()
    for number in range(2):
        on_s3.write_behavior(f"{GOOD_MOUSE} union all {mouse(f'8{number}')}")
        s3_server.client().upload_file(str(on_s3.lake / "df_behavior.parquet"), bucket, "mice/df_behavior.parquet")
        with faults.proxy(s3_server.endpoint, lambda method, path: None) as proxy:
            on_s3.environment["AUTO_TRAIN_S3_ENDPOINT"] = proxy.endpoint
            on_s3.decide()
        asked |= {(action, "my-lab", key) for action, _, key in actions(proxy)}
    assert [of for of in sorted(asked) if not allowed(policy, *of)] == []
    assert {action for action, _, _ in asked} == {of["Action"] for of in policy["Statement"]}
    for forbidden in (
        ("s3:PutObject", "my-lab", "mice/df_behavior.parquet"),
        ("s3:DeleteObject", "my-lab", "mice/foraging_auto_training/df_manager_demo.parquet"),
        ("s3:GetObject", "my-lab", "elsewhere"),
        ("s3:GetObject", "other", "mice/df_behavior.parquet"),
    ):
        assert not allowed(policy, *forbidden)
