{{/* The labels by which the operator's pods are selected; connectors' NetworkPolicies name the first. */}}
{{- define "operator.selector" -}}
app.kubernetes.io/name: stellar-connector-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
