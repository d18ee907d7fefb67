#!/usr/bin/env bash
# Lints the chart, renders it with every set of values, and proves it against a real API server and
# real routers (conformance/test_chart.py). The result is build/porter-VERSION.tgz.
set -euo pipefail
cd "$(dirname "$0")/.."

chart=charts/porter
mkdir -p build
helm=$(bash tools/helm.sh)
for values in /dev/null "$chart"/ci/*-values.yaml; do
    "$helm" lint --strict --quiet "$chart" --values "$values"
    "$helm" template porter "$chart" --namespace porter-system --values "$values" >build/chart.yaml
    echo "chart: $(grep -c '^kind: ' build/chart.yaml) objects with $(basename "$values" -values.yaml)"
done
"$helm" package "$chart" --destination build
.venv/bin/python -m pytest conformance/test_chart.py -q
