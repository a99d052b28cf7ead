{{- define "afterword.name" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "afterword" $name) }}{{ $name = printf "%s-afterword" $name }}{{ end -}}
{{- $name | trunc 48 | trimSuffix "-" -}}
{{- end }}

{{/* What every object bears; `part` names the role, where there is one. */}}
{{- define "afterword.labels" -}}
{{ include "afterword.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "afterword.selector" -}}
app.kubernetes.io/name: afterword
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .part }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "afterword.secret" -}}
{{- .Values.secrets.existing | default (include "afterword.name" .) -}}
{{- end }}

{{- define "afterword.hasSecret" -}}
{{- if or .Values.secrets.existing .Values.secrets.values }}yes{{ end -}}
{{- end }}

{{/* Helm reads every number as a floating one; the configuration has whole ones alone. Changes the tables below in place. */}}
{{- define "afterword.whole" -}}
{{- $table := . -}}
{{- range $key, $value := $table -}}
{{- if kindIs "float64" $value }}{{ $_ := set $table $key (int64 $value) }}{{ else if kindIs "map" $value }}{{ include "afterword.whole" $value }}{{ end -}}
{{- end -}}
{{- end }}

{{/* The configuration file: what the values say, and what is the chart's to say. */}}
{{- define "afterword.config" -}}
{{- $listen := dict "survey" (dict "listen" "0.0.0.0:8080") "reports" (dict "listen" "0.0.0.0:8081") "operations" (dict "listen" "0.0.0.0:8082") -}}
{{- $own := mergeOverwrite $listen (dict "data_dir" "/var/lib/afterword" "log" (dict "kind" .Values.log)) -}}
{{- $all := mergeOverwrite (deepCopy .Values.config) $own -}}
{{- include "afterword.whole" $all -}}
{{- $all | toToml -}}
{{- end }}

{{/*
A pod. root; part: the name of what it is; roles: a list, or empty for all; resources; readiness: a probe.
Whether a process lives is asked of /livez, which answers while it recovers or waits: started anew it would only begin again.
*/}}
{{- define "afterword.pod" -}}
metadata:
  labels:
    {{- include "afterword.labels" . | nindent 4 }}
  annotations:
    checksum/config: {{ include "afterword.config" .root | sha256sum }}
    {{- if not .root.Values.podMonitor }}
    prometheus.io/scrape: "true"
    prometheus.io/port: "8082"
    {{- end }}
    {{- with .root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "afterword.name" .root }}
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 60
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "afterword.selector" . | nindent 10 }}
  {{- if .topics }}
  # Makes what is missing, and leaves what is there as it is.
  initContainers:
    - name: topics
      {{- include "afterword.container" .root | nindent 6 }}
      args:
        - topics
        - create
        - --config=/etc/afterword/afterword.toml
        {{- range .root.Values.topics.arguments }}
        - {{ . | quote }}
        {{- end }}
      resources:
        {{- toYaml .resources | nindent 8 }}
  {{- end }}
  containers:
    - name: afterword
      {{- include "afterword.container" .root | nindent 6 }}
      args:
        - run
        - --config=/etc/afterword/afterword.toml
        {{- range .roles }}
        - --role={{ . }}
        {{- end }}
      ports:
        - {name: operations, containerPort: 8082}
        {{- range .ports }}
        - {name: {{ .name }}, containerPort: {{ .port }}}
        {{- end }}
      startupProbe:
        httpGet: {path: /livez, port: operations}
        periodSeconds: 10
        failureThreshold: 180
      livenessProbe:
        httpGet: {path: /livez, port: operations}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        {{- toYaml .readiness | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .resources | nindent 8 }}
  volumes:
    - name: config
      configMap: {name: {{ include "afterword.name" .root }}}
    - name: temporary
      emptyDir: {sizeLimit: 256Mi}
    {{- if not .volume }}
    - name: data
      emptyDir: {}
    {{- end }}
{{- end }}

{{/* What is the same in every container. */}}
{{- define "afterword.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- if include "afterword.hasSecret" . }}
envFrom:
  - secretRef: {name: {{ include "afterword.secret" . }}}
{{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/afterword, readOnly: true}
  - {name: data, mountPath: /var/lib/afterword}
  - {name: temporary, mountPath: /tmp}
{{- end }}

{{- define "afterword.claim" -}}
- metadata:
    name: data
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size }}
{{- end }}
