{{/*
The ValidatingWebhookConfiguration and, where Pods are changed, the MutatingWebhookConfiguration.
Every field is written out, so that what is stored can be compared with what is wanted;
files/admission.yaml is generated from the kind table and the catalogue.
*/}}
{{- define "karb-guard.registration" -}}
{{- $admission := .Files.Get "files/admission.yaml" | fromYaml -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: {{ include "karb-guard.clusterName" . }}
  labels:
    {{- include "karb-guard.labels" . | nindent 4 }}
  annotations:
    # Replicas of an older revision leave a newer one's rules alone while an upgrade rolls out.
    karb.dev/registration-revision: {{ .Release.Revision | quote }}
    {{- if eq .Values.tls.mode "cert-manager" }}
    # cert-manager's injector keeps the caBundle.
    cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "karb-guard.fullname" . }}
    {{- end }}
webhooks:
{{- range $webhook := $admission.webhooks }}
{{- $default := ternary $.Values.admission.failurePolicy "Ignore" $webhook.failable }}
{{- $door := trimSuffix ".karb.dev" $webhook.name }}
- name: {{ $webhook.name }}
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      namespace: {{ $.Release.Namespace }}
      name: {{ include "karb-guard.fullname" $ }}
      path: /validate
      port: {{ $.Values.service.port }}
  failurePolicy: {{ get $.Values.admission.failurePolicies $door | default $default }}
  matchConditions:
    {{- toYaml $webhook.matchConditions | nindent 2 }}
  matchPolicy: Equivalent
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
      {{- range append $.Values.admission.excludedNamespaces $.Release.Namespace | uniq | sortAlpha }}
      - {{ . | quote }}
      {{- end }}
  objectSelector: {}
  rules:
    {{- toYaml $webhook.rules | nindent 2 }}
  sideEffects: NoneOnDryRun
  timeoutSeconds: {{ $.Values.admission.timeoutSeconds }}
{{- end }}
{{- if include "karb-guard.mutates" . }}
{{- $mutating := $admission.mutating }}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: {{ include "karb-guard.clusterName" . }}
  labels:
    {{- include "karb-guard.labels" . | nindent 4 }}
  annotations:
    karb.dev/registration-revision: {{ .Release.Revision | quote }}
    {{- if eq .Values.tls.mode "cert-manager" }}
    cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "karb-guard.fullname" . }}
    {{- end }}
webhooks:
- name: {{ $mutating.name }}
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      namespace: {{ .Release.Namespace }}
      name: {{ include "karb-guard.fullname" . }}
      path: {{ $mutating.path }}
      port: {{ .Values.service.port }}
  # Always: it only fills in what the validating webhook asks for and judges afterwards.
  failurePolicy: Ignore
  matchConditions:
    {{- toYaml $mutating.matchConditions | nindent 2 }}
  matchPolicy: Equivalent
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values:
      {{- range append .Values.admission.excludedNamespaces .Release.Namespace | uniq | sortAlpha }}
      - {{ . | quote }}
      {{- end }}
  objectSelector: {}
  reinvocationPolicy: IfNeeded
  rules:
    {{- toYaml $mutating.rules | nindent 2 }}
  sideEffects: None
  timeoutSeconds: {{ min (int .Values.admission.timeoutSeconds) (int $mutating.longestTimeoutSeconds) }}
{{- end }}
{{- end -}}

{{/*
Not empty where the configuration changes Pods of any namespace.
*/}}
{{- define "karb-guard.mutates" -}}
{{- $mutation := .Values.config.mutation | default dict -}}
{{- if $mutation.enabled }}true{{ end -}}
{{- range $mutation.namespaces }}{{ if .enabled }}true{{ end }}{{ end -}}
{{- end -}}
