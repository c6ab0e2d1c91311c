"""The example's own tests, and what a failing one says."""

from pathlib import Path

from typer.testing import CliRunner

from kubectl_mesh.cli.test import app

SHOP = Path(__file__).parents[3] / "examples" / "shop"


def run(*words: str) -> tuple[int, str]:
    """Run `kubectl mesh test` and return its exit code and stdout."""
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.stdout


def test_the_example_keeps_its_promises() -> None:
    """Every test that ships with the example passes on it."""
    code, text = run(str(SHOP))
    assert code == 0, text


def test_a_failure_names_the_rule_at_fault(tmp_path: Path) -> None:
    """A failure is shown with both values and the file and line of the rule that decided."""
    text = (SHOP / "shop.meshtest.yaml").read_text()
    broken = text.replace("[base]", f"[{SHOP / 'base'}]").replace("subset: v2}\n      rule", "subset: v1}\n      rule")
    file = tmp_path / "shop.meshtest.yaml"
    file.write_text(broken)
    code, text = run(str(file), "-k", "testers")
    assert code == 1
    assert "destination: expected shop/catalog subset v1, got catalog.shop.svc.cluster.local:80 subset v2" in text
    assert "outbound: route testers by VirtualService/shop/catalog http[0].match[0]" in text
    assert "catalog-routes.yaml:14" in text


def test_a_failure_names_what_was_tried_in_vain(tmp_path: Path) -> None:
    """A rule that should have matched is named with the reason why it did not, and the place where it is written."""
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("[base]", f"[{SHOP / 'base'}]")
    file = tmp_path / "shop.meshtest.yaml"
    text = text.replace('x-shop-tester: "true"', 'x-shop-tester: "false"')
    file.write_text(text.replace("disposition: denied", "disposition: delivered"))
    code, text = run(str(file), "-k", "testers or only web")
    assert code == 1
    assert "testers does not match: header x-shop-tester is true" in text
    assert "inbound: authorization denied, no ALLOW policy matches" in text
    assert "AuthorizationPolicy/payments/checkout rules[1] does not match: source: needs identity" in text
    assert "security.yaml:34" in text


def test_a_misspelt_host_is_guessed(tmp_path: Path) -> None:
    """A host that nothing has is answered with one that is like it."""
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("[base]", f"[{SHOP / 'base'}]")
    file = tmp_path / "shop.meshtest.yaml"
    file.write_text(text.replace("http://catalog.shop/items", "http://catlog.shop/items"))
    assert "did you mean catalog.shop?" in run(str(file), "-k", "testers")[1]


def test_a_client_without_a_proxy_is_held_to_the_service_that_it_dials(tmp_path: Path) -> None:
    """kube-proxy chooses the pod, so where another service was expected, the name resolution is blamed."""
    file = tmp_path / "shop.meshtest.yaml"
    case = "{{name: {0}, request: {{url: http://cart.shop/}}, expect: {{destination: {{service: {0}, port: 80}}}}}}"
    file.write_text(
        "apiVersion: kubectl-mesh/v1alpha1\nkind: MeshTest\nmetadata: {name: a}\nspec:\n"
        f"  given: {{manifests: [{SHOP / 'base'}]}}\n  defaults: {{from: warehouse/deploy/stock}}\n"
        f"  cases: [{case.format('shop/cart')}, {case.format('shop/web')}]\n"
    )
    code, text = run(str(file))
    assert (code, text.count("FAIL")) == (1, 1)
    assert "destination: expected shop/web:80, got cart.shop.svc.cluster.local:80" in text
    assert "name resolution 10.96.184.232 by Service/shop/cart" in text


def test_a_misspelt_service_is_guessed(tmp_path: Path) -> None:
    """An expectation of a service that does not exist says so, besides the actual one."""
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("[base]", f"[{SHOP / 'base'}]")
    file = tmp_path / "shop.meshtest.yaml"
    file.write_text(text.replace("{service: shop/catalog, subset: v2}", "{service: shop/catlog, subset: v2}"))
    assert "there is no service shop/catlog; did you mean shop/catalog?" in run(str(file), "-k", "testers")[1]


def test_a_refused_connection_names_the_policy(tmp_path: Path) -> None:
    """Plain text to a workload that takes mutual TLS only is refused by a PeerAuthentication, which has a line."""
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("[base]", f"[{SHOP / 'base'}]")
    file = tmp_path / "shop.meshtest.yaml"
    file.write_text(text.replace("disposition: tls-mismatch", "disposition: delivered"))
    out = run(str(file), "-k", "warehouse")[1]
    assert "filter chain none by PeerAuthentication/payments/default mtls.mode" in out
    assert "(mode STRICT)" in out
    assert "security.yaml:9" in out


def test_no_tests_is_an_exit_code_of_its_own(tmp_path: Path) -> None:
    """A directory without test files, or a keyword that nothing has, never looks like success."""
    code, _ = run(str(SHOP), "-k", "no such name")
    assert code == 5


def test_a_file_with_a_mistake_does_not_hide_the_others(tmp_path: Path) -> None:
    """It cannot be decided, with the line of the mistake; the tests of other files run."""
    text = (SHOP / "shop.meshtest.yaml").read_text().replace("[base]", f"[{SHOP / 'base'}]")
    (tmp_path / "a.meshtest.yaml").write_text(text.replace("split:", "spilt:"))
    (tmp_path / "b.meshtest.yaml").write_text(text)
    code, out = run(str(tmp_path))
    assert code == 3
    assert "a.meshtest.yaml:24\n    spec.cases[1].expect.spilt: no such key\n    did you mean split?" in out
    assert "23 passed, 1 undecided" in out
    assert run(str(tmp_path), "--fail-fast")[1].rstrip().endswith("s")
    assert "passed" not in run(str(tmp_path), "--fail-fast")[1]


def test_shards_share_the_work() -> None:
    """The shards of a run include every test exactly once."""
    totals = [int(run(str(SHOP), "--shard", f"{number}/3")[1].rpartition("\n")[0].rpartition("\n")[2].split()[0])
              for number in (1, 2, 3)]  # fmt: skip
    assert sum(totals) == int(run(str(SHOP))[1].rstrip().rpartition("\n")[2].split()[0])


def test_a_lost_subset_is_blamed_on_the_rule_that_names_it(tmp_path: Path) -> None:
    """A route to a cluster that is not there is at fault, with its line, and not only the missing cluster."""
    routes = (SHOP / "base" / "catalog-routes.yaml").read_text()
    (tmp_path / "routes.yaml").write_text(routes.replace("subset: v2\n    timeout", "subset: v9\n    timeout"))
    text = (SHOP / "shop.meshtest.yaml").read_text()
    overlay = f"[{SHOP / 'base'}]\n    overlay: [routes.yaml]"
    (tmp_path / "shop.meshtest.yaml").write_text(text.replace("[base]", overlay))
    code, out = run(str(tmp_path), "-k", "testers")
    assert code == 1
    assert "the proxy has no cluster of this name" in out
    assert "route testers by VirtualService/shop/catalog http[0].match[0]" in out
    assert "routes.yaml:14" in out


def test_a_missing_mesh_is_told_once(tmp_path: Path) -> None:
    """An error that affects all tests of a file is printed once, with their number."""
    text = (SHOP / "shop.meshtest.yaml").read_text()
    (tmp_path / "shop.meshtest.yaml").write_text(text.replace("[base]", "[nowhere]"))
    code, out = run(str(tmp_path))
    assert code == 3
    assert out.count("nowhere: no such file or directory") == 1
    assert "and 22 more, for the same reason" in out
    assert "23 undecided" in out
