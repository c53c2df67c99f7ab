{{/* The release's name for objects: at most 50 characters, so that suffixes fit. */}}
{{- define "karb-guard.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Cluster-scoped objects carry the namespace, so that two releases don't fight over one. */}}
{{- define "karb-guard.clusterName" -}}
{{- $fullname := include "karb-guard.fullname" . -}}
{{- if eq $fullname .Release.Namespace -}}
{{- $fullname -}}
{{- else -}}
{{- printf "%s-%s" .Release.Namespace $fullname | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "karb-guard.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "karb-guard.fullname" .) -}}
{{- end -}}

{{- define "karb-guard.caSecretName" -}}
{{- .Values.tls.caSecretName | default (printf "%s-ca" (include "karb-guard.fullname" .)) -}}
{{- end -}}

{{- define "karb-guard.tlsSecretName" -}}
{{- if eq .Values.tls.mode "cert-manager" -}}
{{- .Values.tls.secretName | default (printf "%s-tls" (include "karb-guard.fullname" .)) -}}
{{- else -}}
{{- .Values.tls.secretName -}}
{{- end -}}
{{- end -}}

{{- define "karb-guard.selectorLabels" -}}
app.kubernetes.io/name: karb-guard
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "karb-guard.labels" -}}
{{ include "karb-guard.selectorLabels" . }}
app.kubernetes.io/component: webhook
app.kubernetes.io/part-of: karb-guard
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "karb-guard.image" -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{- printf "%s:%s@%s" .Values.image.repository $tag .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{/* Whether the process may write the caBundle: with a CA of its own, or whenever it registers. */}}
{{- define "karb-guard.register" -}}
{{- if eq .Values.admission.managedBy "webhook" -}}whole
{{- else if eq .Values.tls.mode "self" -}}bundle
{{- else -}}none
{{- end -}}
{{- end -}}

{{/* Objects of `helm test`: never the webhook's own labels, or its Service would select the Pod. */}}
{{- define "karb-guard.testLabels" -}}
app.kubernetes.io/name: karb-guard-test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
app.kubernetes.io/part-of: karb-guard
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{/* Made for `helm test`, by weight, and gone after a success. */}}
{{- define "karb-guard.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{- define "karb-guard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "karb-guard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The token of the ServiceAccount as the API server would mount it, for one container only. */}}
{{- define "karb-guard.apiAccess" -}}
- name: api-access
  projected:
    defaultMode: 0440
    sources:
    - serviceAccountToken:
        path: token
        expirationSeconds: 3600
    - configMap:
        name: kube-root-ca.crt
        items:
        - key: ca.crt
          path: ca.crt
    - downwardAPI:
        items:
        - path: namespace
          fieldRef:
            fieldPath: metadata.namespace
{{- end -}}

{{/* Whether API servers refuse anything while no replica answers: "true" or nothing. */}}
{{- define "karb-guard.mayFail" -}}
{{- $policies := append (values .Values.admission.failurePolicies) .Values.admission.failurePolicy -}}
{{- if has "Fail" $policies -}}true{{- end -}}
{{- end -}}
