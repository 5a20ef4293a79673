"""What was measured, for people and for programs: table, JSON, charts and docs/benchmarks.md."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.charts import Bar, bars
from benchmarks.server import SETTINGS
from benchmarks.suite import CONTENDERS

TITLES = {
    "ours": "buybox",
    "ours_uniform": "buybox, uniform products",
    "ours_sqs": "buybox through SQS emulator",
    "limit": "limit: executemany into the inbox",
    "limit_bodies": "bare bodies, no key row",
    "hand_written": "hand-written, no queue",
    "procrastinate": "procrastinate, one job a message",
    "pgqueuer": "PgQueuer",
    "oban": "Oban for Python",
    "backlog_0": "0 waiting",
    "backlog_100000": "100,000 waiting",
    "backlog_1000000": "1,000,000 waiting",
    "history_0": "no history",
    "history_10000000": "10,000,000 history rows",
    "workers_1": "1 worker",
    "workers_2": "2 workers",
    "workers_4": "4 workers",
    "idle_in_transaction": "an idle transaction's snapshot",
}
MEMORY_FILE = "memory.json"
ECONOMICS_FILE = "economics.json"
METHOD = Path(__file__).with_name("method.md")
GROWN = [name for name in TITLES if name not in CONTENDERS]
OURS = tuple(title for name, title in TITLES.items() if name.startswith("ours") or name in GROWN)


def summary(results: dict[str, Any]) -> dict[str, float | None]:
    """The figures of the last line; null for what was not measured."""

    def rate(name: str) -> float | None:
        found: float | None = results.get(name, {}).get("per_s")
        return found

    def ratio(of: str, to: str, digits: int = 3) -> float | None:
        top, bottom = rate(of), rate(to)
        return round(top / bottom, digits) if top is not None and bottom else None

    half = results.get("latency", {}).get("loads", {}).get("50%", {})
    return {
        "e2e_per_s": rate("ours"),
        "limit_per_s": rate("limit"),
        "ratio_to_limit": ratio("ours", "limit"),
        "hand_written_per_s": rate("hand_written"),
        "procrastinate_per_s": rate("procrastinate"),
        "pgqueuer_per_s": rate("pgqueuer"),
        "oban_per_s": rate("oban"),
        "speedup_vs_procrastinate": ratio("ours", "procrastinate", 2),
        "flatness_100k": ratio("backlog_100000", "backlog_0"),
        "flatness_1m": ratio("backlog_1000000", "backlog_0"),
        "p99_ms_at_50pct": half.get("p99_ms"),
        "wal_bytes_per_message": results.get("ours", {}).get("wal_bytes_per_message"),
    }


def hardware(postgres: str) -> dict[str, Any]:
    """Where it was measured, without the machine's name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "postgres": postgres,
        "procrastinate": version("procrastinate"),
        "psycopg": version("psycopg"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def show(console: Console, results: dict[str, Any]) -> None:
    """The tables in the terminal."""
    table = Table(title="messages a second", title_justify="left")
    for heading, justify in (
        ("", "left"), ("median", "right"), ("lowest", "right"), ("highest", "right"),
        ("runs", "right"), ("WAL B/msg", "right"), ("dead tuples", "right"), ("", "left"),
    ):  # fmt: skip
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for name in TITLES:
        if name in results:
            table.add_row(*_cells(name, results[name]))
    console.print(table)
    console.print(t2_sentence(results), memory_sentence(results.get("memory", {})), sep="\n")
    loads = results.get("latency", {}).get("loads")
    if loads:
        table = Table(title="commit to bell, milliseconds", title_justify="left")
        for heading in ("load", "messages/s", "p50", "p99", "p99.9", "late", "unheard"):
            table.add_column(heading, justify="right")
        for load, found in loads.items():
            table.add_row(load, *_latency_cells(found))
        console.print(table)


def t2_sentence(results: dict[str, Any]) -> str:
    """How long T2 took while all messages came at once; empty where it was not measured."""
    runs = results.get("ours", {}).get("runs", [])
    found = [run["more"]["t2_ms"] for run in runs if run.get("more", {}).get("t2_ms")]
    if not found:
        return ""
    middle = {key: median(one[key] for one in found) for key in ("count", "p50", "p99", "max")}
    return (
        "T2 at full load, medians of the runs: {count:,.0f} transactions, p50 {p50:.0f} ms, "
        "p99 {p99:.0f} ms, longest {max:.0f} ms."
    ).format(**middle)


def memory_sentence(memory: dict[str, Any]) -> str:
    """A worker's memory over a million messages; empty where it was not measured."""
    samples = memory.get("samples", [])
    if not samples:
        return ""
    parts = []
    for share in (0.1, 0.25, 0.5, 0.75, 1.0):
        done = share * samples[-1][1]
        at = next(sample for sample in samples if sample[1] >= done)
        parts.append(f"{at[1]:,}: {' and '.join(f'{rss:.0f}' for rss in at[2])} MB")
    return f"Resident memory of each worker by messages processed: {'; '.join(parts)}."


def write_memory(folder: Path, memory: dict[str, Any]) -> None:
    """The long run's own file: it is measured apart from the others."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MEMORY_FILE).write_text(json.dumps(memory, indent=1) + "\n", encoding="utf-8")


def write_json(path: Path, results: dict[str, Any], where: dict[str, Any]) -> None:
    """Everything, for programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        "summary": summary(results),
        "hardware": where,
        "postgres_settings": SETTINGS,
        "results": results,
    }
    path.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


def write_docs(folder: Path, method: str, results: dict[str, Any], where: dict[str, Any]) -> None:
    """docs/benchmarks.md and its charts."""
    charts = folder / "benchmarks"
    charts.mkdir(parents=True, exist_ok=True)
    contest = [n for n in CONTENDERS if "per_s" in results.get(n, {})]
    drawn = [
        ("contenders.svg", "Messages a second", "higher is better", _bars(contest, results)),
        ("growth.svg", "buybox as it grows", "messages/s", _bars(GROWN, results)),
        ("latency.svg", "Commit to bell, p50 and p99", "ms", _latency_bars(results)),
    ]
    for name, title, unit, rows in drawn:
        if rows:
            svg = bars(title, unit, rows, ours=OURS if name != "latency.svg" else ())
            (charts / name).write_text(svg, encoding="utf-8")
    figures = [_markdown(CONTENDERS, results), "![](benchmarks/contenders.svg)"]
    figures += ["", "### As it grows", "", _markdown(GROWN, results), "![](benchmarks/growth.svg)"]
    figures += ["", "### Latency", "", _latency_markdown(results), "![](benchmarks/latency.svg)"]
    kept = charts / MEMORY_FILE
    memory = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    figures += ["", t2_sentence(results), "", "### Memory", "", memory_sentence(memory)]
    kept = charts / ECONOMICS_FILE
    if kept.exists():
        figures += ["", "### Economics", "", *economics_table(json.loads(kept.read_text("utf-8")))]
    hardware_lines = "\n".join(f"- {name}: {value}" for name, value in where.items())
    line = json.dumps(summary(results))
    text = method.replace("{hardware}", hardware_lines).replace("{figures}", "\n".join(figures))
    (folder / "benchmarks.md").write_text(text.replace("{summary}", line), encoding="utf-8")


def economics_table(said: dict[str, float]) -> list[str]:
    """The share of T2's processor time that costs, margins and recommendations take."""
    lines = [
        "| T2, processor time a message | ms without | ms with costs | share | quartiles | |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for title, ending in (
        ("markets in which one thing changes at a time", ""),
        ("a new market in every message", "_fresh_markets"),
    ):
        ms = [f"{said[f't2_ms_{which}{ending}']:.3f}" for which in ("without", "with")]
        shares = ("economics_share_pct", "lower_quartile_pct", "upper_quartile_pct")
        pct = [f"{said[name + ending]:.1f}%" for name in shares]
        lines.append(f"| {title} | {' | '.join([*ms, *pct])} |")
    return lines


def _cells(name: str, found: dict[str, Any]) -> list[str]:
    if "per_s" not in found:
        return [TITLES[name], *["-"] * 6, found.get("skipped", "")]
    numbers = [f"{found[key]:,.0f}" for key in ("per_s", "lowest", "highest")]
    rest = [str(len(found["runs"])), f"{found['wal_bytes_per_message']:,}"]
    remark = found.get("skipped") or ("" if found["complete"] else "time was up")
    return [TITLES[name], *numbers, *rest, f"{found['dead_tuples']:,}", remark]


def _markdown(names: tuple[str, ...] | list[str], results: dict[str, Any]) -> str:
    rows = [
        "| | median/s | lowest | highest | runs | WAL bytes a message | dead tuples | remark |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    rows += [f"| {' | '.join(_cells(n, results[n]))} |" for n in names if n in results]
    return "\n".join([*rows, ""])


def _latency_markdown(results: dict[str, Any]) -> str:
    rows = [
        "| share of the highest rate | messages/s | p50 ms | p99 ms | p99.9 ms | late | unheard |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for load, found in results.get("latency", {}).get("loads", {}).items():
        rows.append(f"| {load} | {' | '.join(_latency_cells(found))} |")
    return "\n".join([*rows, ""])


def _latency_cells(found: dict[str, Any]) -> list[str]:
    keys = ("rate", "p50_ms", "p99_ms", "p999_ms", "late", "unheard")
    return [str(found[key]) for key in keys]


def _bars(names: list[str], results: dict[str, Any]) -> list[Bar]:
    found = [(TITLES[name], results[name]) for name in names if "per_s" in results.get(name, {})]
    return [(title, one["per_s"], one["lowest"], one["highest"]) for title, one in found]


def _latency_bars(results: dict[str, Any]) -> list[Bar]:
    return [
        (f"{name} at {load}", found[key], found[key], found[key])
        for load, found in results.get("latency", {}).get("loads", {}).items()
        for name, key in (("p50", "p50_ms"), ("p99", "p99_ms"))
        if found[key] is not None
    ]


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
