"""The table of figures, the dashboard made of it, and what Ray is told."""

import json
import re
from pathlib import Path

import pytest
import yaml

from polyloop.serving.metrics import dashboard
from polyloop.serving.metrics.recorder import RayRecorder
from polyloop.serving.metrics.table import METRICS, exported_name

REPOSITORY = Path(__file__).resolve().parents[4]


def test_the_dashboard_in_the_repository_is_the_one_that_the_table_makes() -> None:
    assert (REPOSITORY / dashboard.DEFAULT_FILE).read_text(encoding="utf-8") == dashboard.render()


def test_every_figure_has_a_panel_and_every_query_asks_for_figures_by_their_tags() -> None:
    asked = set()
    for panel in dashboard.panels():
        asked.add(panel.metric.name)
        for query, legend in panel.queries:
            name = exported_name(panel.metric) + ("_bucket" if panel.metric.kind == "histogram" else "")
            assert re.search(rf"\b{name}\b", query)
            by = re.search(r"sum by \(([\w, ]+)\)", query)
            tags = set(by[1].split(", ")) - {"le"} if by else set()
            assert tags <= set(panel.metric.tags)
            assert set(re.findall(r"{{(\w+)}}", legend)) <= tags
    assert asked == {metric.name for metric in METRICS}


def test_panels_do_not_overlap() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in dashboard.dashboard()["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in dashboard.dashboard()["panels"]}) == len(places)


def test_check_says_whether_a_file_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grafana" / "polyloop.json"
    assert dashboard.main([str(path), "--check"]) == 1
    assert dashboard.main([str(path)]) == 0
    assert dashboard.main([str(path), "--check"]) == 0
    assert json.loads(path.read_text())["uid"] == "polyloop"
    path.write_text("{}")
    assert dashboard.main([str(path), "--check"]) == 1
    assert "is out of date" in capsys.readouterr().err


def test_ray_takes_every_figure() -> None:
    recorder = RayRecorder()
    for metric in METRICS:
        recorder.add(metric, 1, **dict.fromkeys(metric.tags, "x"))
        recorder.add(metric, 0, **dict.fromkeys(metric.tags, "x"))


def test_prometheus_is_told_where_nodes_are() -> None:
    config = yaml.safe_load((REPOSITORY / "deploy" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["file_sd_configs"][0]["files"][0].endswith("prom_metrics_service_discovery.json")


def test_the_guide_tells_every_figure_with_its_tags() -> None:
    guide = (REPOSITORY / "docs" / "observing.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(ray_\w+)` \| ?([\w, ]*?) ?\|", guide, re.MULTILINE))
    assert told == {exported_name(metric): ", ".join(metric.tags) for metric in METRICS}
