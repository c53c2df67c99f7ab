// Command pss-oracle answers what Kubernetes' own Pod Security admission says about pods.
//
// `pss-oracle checks` writes the checks themselves as one JSON array: id, level, and the versions
// that changed them with the baseline checks that each one stands in for.
//
// `pss-oracle` reads one question per line from standard input, in JSON:
// {"level": "baseline", "version": "v1.30", "labels": {...}, "pod": {...}}
// Level and version are the cluster's defaults, which the namespace's labels may override. It
// writes one answer per line: {"level": .., "version": .., "checks": [ids that refuse the pod]},
// or {"error": why} for what is no question.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

const maxLine = 1 << 24

type question struct {
	Level   string            `json:"level"`
	Version string            `json:"version"`
	Labels  map[string]string `json:"labels"`
	Pod     corev1.Pod        `json:"pod"`
}

type answer struct {
	Level   string   `json:"level"`
	Version string   `json:"version"`
	Checks  []string `json:"checks"`
	Error   string   `json:"error,omitempty"`
}

type checkVersion struct {
	Minimum   string           `json:"minimum"`
	Overrides []policy.CheckID `json:"overrides"`
}

type check struct {
	ID       policy.CheckID `json:"id"`
	Level    api.Level      `json:"level"`
	Versions []checkVersion `json:"versions"`
}

// signed makes each check give its id as its reason: results carry no ids otherwise.
func signed(checks []policy.Check) []policy.Check {
	for i := range checks {
		for j := range checks[i].Versions {
			id, inner := checks[i].ID, checks[i].Versions[j].CheckPod
			checks[i].Versions[j].CheckPod = func(m *metav1.ObjectMeta, s *corev1.PodSpec) policy.CheckResult {
				result := inner(m, s)
				result.ForbiddenReason = string(id)
				return result
			}
		}
	}
	return checks
}

func judge(evaluator policy.Evaluator, line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		return answer{Error: err.Error()}
	}
	level, err := api.ParseLevel(asked.Level)
	if err != nil {
		return answer{Error: err.Error()}
	}
	version, err := api.ParseVersion(asked.Version)
	if err != nil {
		return answer{Error: err.Error()}
	}
	defaults := api.Policy{Enforce: api.LevelVersion{Level: level, Version: version}}
	// Labels that can't be parsed have a meaning too; the error is for the API server's log.
	decided, _ := api.PolicyToEvaluate(asked.Labels, defaults)
	results := evaluator.EvaluatePod(decided.Enforce, &asked.Pod.ObjectMeta, &asked.Pod.Spec)
	refusing := policy.AggregateCheckResults(results).ForbiddenReasons
	return answer{
		Level:   string(decided.Enforce.Level),
		Version: decided.Enforce.Version.String(),
		Checks:  append([]string{}, refusing...),
	}
}

func describe(checks []policy.Check) []check {
	described := []check{}
	for _, c := range checks {
		versions := []checkVersion{}
		for _, v := range c.Versions {
			overrides := append([]policy.CheckID{}, v.OverrideCheckIDs...)
			versions = append(versions, checkVersion{v.MinimumVersion.String(), overrides})
		}
		described = append(described, check{c.ID, c.Level, versions})
	}
	return described
}

func answerAll(evaluator policy.Evaluator) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := encoder.Encode(judge(evaluator, lines.Bytes())); err != nil {
			return err
		}
	}
	return lines.Err()
}

func run() error {
	checks := policy.DefaultChecks()
	if len(os.Args) > 1 && os.Args[1] == "checks" {
		return json.NewEncoder(os.Stdout).Encode(describe(checks))
	}
	evaluator, err := policy.NewEvaluator(signed(checks), nil)
	if err != nil {
		return err
	}
	return answerAll(evaluator)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pss-oracle:", err)
		os.Exit(1)
	}
}
