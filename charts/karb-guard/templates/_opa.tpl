{{/* karb-guard.yaml; with the sidecar, its engine is the sidecar's OPA. */}}
{{- define "karb-guard.config" -}}
{{- if not .Values.opa.enabled -}}
{{- toYaml .Values.config -}}
{{- else -}}
{{- if dig "engine" "opa" dict .Values.config -}}
{{- fail "config.engine.opa and opa.enabled: choose one, a server of your own or the sidecar" -}}
{{- end -}}
{{- $server := dict
      "url" (printf "http://127.0.0.1:%d" (int .Values.opa.ports.api))
      "tokenFile" "/opa/token"
      "timeoutMs" (int .Values.opa.timeoutMs)
      "whenAway" .Values.opa.whenAway -}}
{{- $engine := dict "engine" (dict "type" "opa" "opa" $server) -}}
{{- mustMergeOverwrite (deepCopy .Values.config) $engine | toYaml -}}
{{- end -}}
{{- end -}}

{{/* The container that writes policies and a token, and OPA itself, which outlives the webhook. */}}
{{- define "karb-guard.opaContainers" -}}
- name: policies
  image: {{ include "karb-guard.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
  - policy
  - bundle
  - --config=/etc/karb-guard/karb-guard.yaml
  - --output=/opa
  - --token
  env:
  - name: KARB_GUARD_CACHE
    value: /cache/karb-guard
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  securityContext:
    {{- include "karb-guard.containerSecurity" . | nindent 4 }}
  volumeMounts:
  - name: config
    mountPath: /etc/karb-guard
    readOnly: true
  - name: opa
    mountPath: /opa
  - name: cache
    mountPath: /cache
  - name: tmp
    mountPath: /tmp
- name: opa
  # A sidecar: it is there before the webhook and goes after it.
  restartPolicy: Always
  image: {{ .Values.opa.image | default (include "karb-guard.image" .) }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [opa]
  args:
  - run
  - --server
  - --addr=127.0.0.1:{{ .Values.opa.ports.api }}
  - --diagnostic-addr=0.0.0.0:{{ .Values.opa.ports.diagnostics }}
  - --authentication=token
  - --authorization=basic
  - --skip-version-check
  - --log-level=error
  - /opa/authz.rego
  - /opa/server.tar.gz
  ports:
  - name: opa-diagnostics
    containerPort: {{ .Values.opa.ports.diagnostics }}
    protocol: TCP
  startupProbe:
    httpGet:
      path: /health
      port: opa-diagnostics
    periodSeconds: 1
    failureThreshold: 60
  livenessProbe:
    httpGet:
      path: /health
      port: opa-diagnostics
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  # No readiness probe: the webhook's /readyz knows whether it can do without OPA.
  resources:
    {{- toYaml .Values.opa.resources | nindent 4 }}
  securityContext:
    {{- include "karb-guard.containerSecurity" . | nindent 4 }}
  volumeMounts:
  - name: opa
    mountPath: /opa
    readOnly: true
{{- end -}}
