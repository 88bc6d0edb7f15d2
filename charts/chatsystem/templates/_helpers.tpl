{{- define "chatsystem.fullname" -}}
{{- $name := ternary .Release.Name (printf "%s-chatsystem" .Release.Name) (contains "chatsystem" .Release.Name) -}}
{{- printf "%s-controller" ($name | trunc 50 | trimSuffix "-") -}}
{{- end -}}

{{- define "chatsystem.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "chatsystem.fullname" .) -}}
{{- else -}}
{{- required "serviceAccount.name: name the account to use, or set serviceAccount.create to true" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "chatsystem.selector" -}}
app.kubernetes.io/name: chatsystem-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chatsystem.labels" -}}
{{ include "chatsystem.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end -}}

{{- define "chatsystem.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* Whether to make an object of the Prometheus operator: "true", "false" or "auto". Call with a dict of "wanted" and "root". */ -}}
{{- define "chatsystem.monitored" -}}
{{- $has := .root.Capabilities.APIVersions.Has "monitoring.coreos.com/v1" -}}
{{- if or (eq (toString .wanted) "true") (and (eq (toString .wanted) "auto") $has) -}}yes{{- end -}}
{{- end -}}
