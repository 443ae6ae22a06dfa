{{- define "regulars.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "regulars.secret" -}}
{{ .Values.existingSecret | default (printf "%s-secrets" .Release.Name) }}
{{- end -}}

{{- define "regulars.labels" -}}
app.kubernetes.io/name: regulars
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "regulars.environment" -}}
envFrom:
  - configMapRef: {name: {{ .Release.Name }}-settings}
  - secretRef: {name: {{ include "regulars.secret" . }}}
env:
  - {name: REGULARS_HOME, value: /var/lib/regulars}
  - {name: REGULARS_METRICS_ADDRESS, value: "0.0.0.0:{{ .Values.metrics.port }}"}
{{- end -}}

{{- define "regulars.pod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - {name: state, emptyDir: {sizeLimit: 64Mi}}
  - {name: scratch, emptyDir: {sizeLimit: 64Mi}}
{{- end -}}

{{- define "regulars.container" -}}
image: {{ include "regulars.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: state, mountPath: /var/lib/regulars}
  - {name: scratch, mountPath: /tmp}
{{- end -}}
