{{- define "porter.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains "porter" .Release.Name -}}
{{- .Release.Name -}}
{{- else -}}
{{- printf "%s-porter" .Release.Name -}}
{{- end -}}
{{- end -}}

{{- /* Porter looks for its own pods by this name: no value changes it. */ -}}
{{- define "porter.selector" -}}
app.kubernetes.io/name: porter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "porter.labels" -}}
{{ include "porter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "porter.account" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "porter.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.create is false: serviceAccount.name must name one" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "porter.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "porter.container" -}}
image: {{ include "porter.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  readOnlyRootFilesystem: true
{{- end -}}

{{- define "porter.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
priorityClassName: {{ .Values.speaker.priorityClassName }}
nodeSelector:
  kubernetes.io/os: linux
  {{- with .Values.speaker.nodeSelector }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.speaker.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{- define "porter.apiServer" -}}
{{- if .Values.k8sServiceHost }}
- name: KUBERNETES_SERVICE_HOST
  value: {{ .Values.k8sServiceHost | quote }}
- name: KUBERNETES_SERVICE_PORT
  value: {{ .Values.k8sServicePort | quote }}
{{- end }}
{{- end -}}

{{- define "porter.subject" -}}
- kind: ServiceAccount
  name: {{ include "porter.account" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
