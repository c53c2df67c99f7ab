"""The field types of a PodSpec and of what stands in it (k8s.io/api v0.37, core/v1)."""

from __future__ import annotations

from karb_guard.facts.types import (
    ANY_OBJECT,
    ANYTHING,
    BOOLEAN,
    INT32,
    INT64,
    INT_OR_STRING,
    OPTIONAL_QUANTITY,
    QUANTITIES,
    QUANTITY,
    STRING,
    STRING_MAP,
    STRINGS,
    UNREAD,
    List,
    Object,
    Type,
)


def _strings(*names: str) -> dict[str, Type]:
    return dict.fromkeys(names, STRING)


def _booleans(*names: str) -> dict[str, Type]:
    return dict.fromkeys(names, BOOLEAN)


def _numbers(kind: Type, *names: str) -> dict[str, Type]:
    return dict.fromkeys(names, kind)


LABEL_SELECTOR = Object(
    {
        "matchLabels": STRING_MAP,
        "matchExpressions": List(Object({**_strings("key", "operator"), "values": STRINGS})),
    }
)
OBJECT_META = Object(
    {
        **_strings("name", "generateName", "namespace", "uid"),
        "labels": STRING_MAP,
        "annotations": STRING_MAP,
        "ownerReferences": List(
            Object({**_strings("apiVersion", "kind", "name", "uid"), "controller": BOOLEAN})
        ),
    }
)

# Security
_SELINUX = Object(_strings("user", "role", "type", "level"))
_PROFILE = Object(_strings("type", "localhostProfile"))
_WINDOWS = Object(
    {
        **_strings("gmsaCredentialSpecName", "gmsaCredentialSpec", "runAsUserName"),
        "hostProcess": BOOLEAN,
    }
)
_CONTAINER_SECURITY = Object(
    {
        "capabilities": Object({"add": STRINGS, "drop": STRINGS}),
        **_booleans(
            "privileged", "runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation"
        ),
        **_numbers(INT64, "runAsUser", "runAsGroup"),
        "procMount": STRING,
        "seLinuxOptions": _SELINUX,
        "windowsOptions": _WINDOWS,
        "seccompProfile": _PROFILE,
        "appArmorProfile": _PROFILE,
    }
)
_POD_SECURITY = Object(
    {
        "runAsNonRoot": BOOLEAN,
        **_numbers(INT64, "runAsUser", "runAsGroup", "fsGroup"),
        "supplementalGroups": List(INT64),
        **_strings("supplementalGroupsPolicy", "fsGroupChangePolicy", "seLinuxChangePolicy"),
        "sysctls": List(Object(_strings("name", "value"))),
        "seLinuxOptions": _SELINUX,
        "windowsOptions": _WINDOWS,
        "seccompProfile": _PROFILE,
        "appArmorProfile": _PROFILE,
    }
)

# Containers
_RESOURCES = Object(
    {
        "limits": QUANTITIES,
        "requests": QUANTITIES,
        "claims": List(Object(_strings("name", "request"))),
    }
)
_FIELD_REF = Object(_strings("apiVersion", "fieldPath"))
_RESOURCE_REF = Object({**_strings("containerName", "resource"), "divisor": QUANTITY})
_KEY_REF = Object({**_strings("name", "key"), "optional": BOOLEAN})
_FILE_REF = Object({**_strings("volumeName", "path", "key"), "optional": BOOLEAN})
_ENV = Object(
    {
        **_strings("name", "value"),
        "valueFrom": Object(
            {
                "fieldRef": _FIELD_REF,
                "resourceFieldRef": _RESOURCE_REF,
                "configMapKeyRef": _KEY_REF,
                "secretKeyRef": _KEY_REF,
                "fileKeyRef": _FILE_REF,
            }
        ),
    }
)
_SOURCE_REF = Object({"name": STRING, "optional": BOOLEAN})
_ENV_FROM = Object({"prefix": STRING, "configMapRef": _SOURCE_REF, "secretRef": _SOURCE_REF})
_PORT = Object(
    {
        **_strings("name", "protocol", "hostIP"),
        **_numbers(INT32, "containerPort", "hostPort"),
    }
)
_HTTP = Object(
    {
        **_strings("path", "host", "scheme"),
        "port": INT_OR_STRING,
        "httpHeaders": List(Object(_strings("name", "value"))),
    }
)
_TCP = Object({"port": INT_OR_STRING, "host": STRING})
_EXEC = Object({"command": STRINGS})
_PROBE = Object(
    {
        "exec": _EXEC,
        "httpGet": _HTTP,
        "tcpSocket": _TCP,
        "grpc": Object({"port": INT32, "service": STRING}),
        **_numbers(
            INT32,
            *("initialDelaySeconds", "timeoutSeconds", "periodSeconds"),
            *("successThreshold", "failureThreshold"),
        ),
        "terminationGracePeriodSeconds": INT64,
    }
)
_HANDLER = Object(
    {"exec": _EXEC, "httpGet": _HTTP, "tcpSocket": _TCP, "sleep": Object({"seconds": INT64})}
)
_MOUNT = Object(
    {
        **_strings("name", "mountPath", "subPath", "subPathExpr"),
        **_strings("mountPropagation", "recursiveReadOnly"),
        "readOnly": BOOLEAN,
    }
)
CONTAINER = Object(
    {
        **_strings("name", "image", "workingDir", "imagePullPolicy", "restartPolicy"),
        **_strings("terminationMessagePath", "terminationMessagePolicy", "targetContainerName"),
        "command": STRINGS,
        "args": STRINGS,
        "ports": List(_PORT),
        "env": List(_ENV),
        "envFrom": List(_ENV_FROM),
        "resources": _RESOURCES,
        "volumeMounts": List(_MOUNT),
        "volumeDevices": List(Object(_strings("name", "devicePath"))),
        "livenessProbe": _PROBE,
        "readinessProbe": _PROBE,
        "startupProbe": _PROBE,
        "lifecycle": Object({"postStart": _HANDLER, "preStop": _HANDLER, "stopSignal": STRING}),
        "securityContext": _CONTAINER_SECURITY,
        **_booleans("stdin", "stdinOnce", "tty"),
    }
)

# Volumes
_ITEMS = List(Object({**_strings("key", "path"), "mode": INT32}))
_DOWNWARD_ITEMS = List(
    Object(
        {
            "path": STRING,
            "fieldRef": _FIELD_REF,
            "resourceFieldRef": _RESOURCE_REF,
            "mode": INT32,
        }
    )
)
_PROJECTION = Object(
    {
        "secret": Object({"name": STRING, "items": _ITEMS, "optional": BOOLEAN}),
        "configMap": Object({"name": STRING, "items": _ITEMS, "optional": BOOLEAN}),
        "downwardAPI": Object({"items": _DOWNWARD_ITEMS}),
        "serviceAccountToken": Object({**_strings("audience", "path"), "expirationSeconds": INT64}),
    }
)
CLAIM_SPEC = Object(
    {
        "accessModes": STRINGS,
        "resources": Object({"limits": QUANTITIES, "requests": QUANTITIES}),
        "selector": LABEL_SELECTOR,
        **_strings("volumeName", "storageClassName", "volumeMode", "volumeAttributesClassName"),
    }
)
_OTHER_SOURCES = (
    *("gcePersistentDisk", "awsElasticBlockStore", "gitRepo", "nfs", "iscsi", "glusterfs", "rbd"),
    *("flexVolume", "cinder", "cephfs", "flocker", "fc", "azureFile", "vsphereVolume", "quobyte"),
    *("azureDisk", "photonPersistentDisk", "portworxVolume", "scaleIO", "storageos"),
)
VOLUME = Object(
    {
        "name": STRING,
        "hostPath": Object(_strings("path", "type")),
        "emptyDir": Object({"medium": STRING, "sizeLimit": OPTIONAL_QUANTITY}),
        "persistentVolumeClaim": Object({"claimName": STRING, "readOnly": BOOLEAN}),
        "configMap": Object(
            {"name": STRING, "items": _ITEMS, "defaultMode": INT32, "optional": BOOLEAN}
        ),
        "secret": Object(
            {"secretName": STRING, "items": _ITEMS, "defaultMode": INT32, "optional": BOOLEAN}
        ),
        "downwardAPI": Object({"items": _DOWNWARD_ITEMS, "defaultMode": INT32}),
        "projected": Object({"sources": List(_PROJECTION), "defaultMode": INT32}),
        "csi": Object(
            {
                **_strings("driver", "fsType"),
                "readOnly": BOOLEAN,
                "volumeAttributes": STRING_MAP,
                "nodePublishSecretRef": ANY_OBJECT,
            }
        ),
        "ephemeral": Object(
            {"volumeClaimTemplate": Object({"metadata": OBJECT_META, "spec": CLAIM_SPEC})}
        ),
        "image": Object(_strings("reference", "pullPolicy")),
        **dict.fromkeys(_OTHER_SOURCES, ANY_OBJECT),
    }
)

# Scheduling
_TOLERATION = Object({**_strings("key", "operator", "value", "effect"), "tolerationSeconds": INT64})
_NODE_TERM = Object(
    dict.fromkeys(
        ("matchExpressions", "matchFields"),
        List(Object({**_strings("key", "operator"), "values": STRINGS})),
    )
)
_POD_TERM = Object(
    {
        "labelSelector": LABEL_SELECTOR,
        "namespaceSelector": LABEL_SELECTOR,
        "namespaces": STRINGS,
        "topologyKey": STRING,
        "matchLabelKeys": STRINGS,
        "mismatchLabelKeys": STRINGS,
    }
)
_POD_AFFINITY = Object(
    {
        "requiredDuringSchedulingIgnoredDuringExecution": List(_POD_TERM),
        "preferredDuringSchedulingIgnoredDuringExecution": List(
            Object({"weight": INT32, "podAffinityTerm": _POD_TERM})
        ),
    }
)
_AFFINITY = Object(
    {
        "nodeAffinity": Object(
            {
                "requiredDuringSchedulingIgnoredDuringExecution": Object(
                    {"nodeSelectorTerms": List(_NODE_TERM)}
                ),
                "preferredDuringSchedulingIgnoredDuringExecution": List(
                    Object({"weight": INT32, "preference": _NODE_TERM})
                ),
            }
        ),
        "podAffinity": _POD_AFFINITY,
        "podAntiAffinity": _POD_AFFINITY,
    }
)
_SPREAD = Object(
    {
        **_numbers(INT32, "maxSkew", "minDomains"),
        **_strings("topologyKey", "whenUnsatisfiable", "nodeAffinityPolicy", "nodeTaintsPolicy"),
        "labelSelector": LABEL_SELECTOR,
        "matchLabelKeys": STRINGS,
    }
)

POD_SPEC = Object(
    {
        # The workload's template lists the containers; they are checked one by one.
        **dict.fromkeys(("containers", "initContainers", "ephemeralContainers"), UNREAD),
        "volumes": List(VOLUME),
        **_strings("restartPolicy", "dnsPolicy", "serviceAccountName", "serviceAccount"),
        **_strings("nodeName", "hostname", "subdomain", "hostnameOverride", "schedulerName"),
        **_strings("priorityClassName", "runtimeClassName", "preemptionPolicy"),
        **_numbers(INT64, "terminationGracePeriodSeconds", "activeDeadlineSeconds"),
        "priority": INT32,
        "nodeSelector": STRING_MAP,
        **_booleans("automountServiceAccountToken", "hostNetwork", "hostPID", "hostIPC"),
        **_booleans("hostUsers", "shareProcessNamespace", "enableServiceLinks"),
        "setHostnameAsFQDN": BOOLEAN,
        "securityContext": _POD_SECURITY,
        "imagePullSecrets": List(Object(_strings("name"))),
        "affinity": _AFFINITY,
        "tolerations": List(_TOLERATION),
        "hostAliases": List(Object({"ip": STRING, "hostnames": STRINGS})),
        "dnsConfig": Object(
            {
                "nameservers": STRINGS,
                "searches": STRINGS,
                "options": List(Object(_strings("name", "value"))),
            }
        ),
        "readinessGates": List(Object(_strings("conditionType"))),
        "overhead": QUANTITIES,
        "topologySpreadConstraints": List(_SPREAD),
        "os": Object(_strings("name")),
        "schedulingGates": List(Object(_strings("name"))),
        "resourceClaims": List(
            Object(_strings("name", "resourceClaimName", "resourceClaimTemplateName"))
        ),
        "resources": _RESOURCES,
        "schedulingGroup": ANYTHING,
        "evictionResponders": ANYTHING,
    }
)
POD_SPEC_FIELDS = frozenset(POD_SPEC.fields)
"""What a PodSpec holds; in a map that holds more, these are taken out of the object's view."""
