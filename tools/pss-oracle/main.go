// Command pss-oracle answers for pods what Kubernetes' own Pod Security checks say about them.
//
// It reads one JSON document per line from standard input (a Pod), and writes one JSON line each:
// {"baseline": [check ids that refuse the pod], "restricted": [...]}, at the newest version of the
// standards and without the overrides between levels, or {"error": why} for what is no Pod.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sort"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

const maxLine = 1 << 24

type answer struct {
	Baseline   []string `json:"baseline"`
	Restricted []string `json:"restricted"`
	Error      string   `json:"error,omitempty"`
}

func judge(line []byte) answer {
	var pod corev1.Pod
	if err := json.Unmarshal(line, &pod); err != nil {
		return answer{Error: err.Error()}
	}
	out := answer{Baseline: []string{}, Restricted: []string{}}
	for _, check := range policy.DefaultChecks() {
		newest := check.Versions[len(check.Versions)-1]
		if newest.CheckPod(&pod.ObjectMeta, &pod.Spec).Allowed {
			continue
		}
		if check.Level == api.LevelBaseline {
			out.Baseline = append(out.Baseline, string(check.ID))
		} else {
			out.Restricted = append(out.Restricted, string(check.ID))
		}
	}
	sort.Strings(out.Baseline)
	sort.Strings(out.Restricted)
	return out
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	encoder := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		if err := encoder.Encode(judge(lines.Bytes())); err != nil {
			os.Exit(1)
		}
	}
	if lines.Err() != nil {
		os.Exit(1)
	}
}
