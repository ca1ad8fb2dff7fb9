"""Every kind of resource that can be deployed, by name, in the plan's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.deploy.kinds.alias import AliasDeployer
from microlambda.deploy.kinds.api_key import ApiKeyDeployer
from microlambda.deploy.kinds.bucket_notifications import BucketNotificationsDeployer
from microlambda.deploy.kinds.function import FunctionDeployer
from microlambda.deploy.kinds.function_url import FunctionUrlDeployer
from microlambda.deploy.kinds.http_api import HttpApiDeployer
from microlambda.deploy.kinds.invoke_config import InvokeConfigDeployer
from microlambda.deploy.kinds.layer import LayerDeployer
from microlambda.deploy.kinds.log_group import LogGroupDeployer
from microlambda.deploy.kinds.log_subscription import LogSubscriptionDeployer
from microlambda.deploy.kinds.mapping import MappingDeployer
from microlambda.deploy.kinds.permission import PermissionDeployer
from microlambda.deploy.kinds.rest_api import RestApiDeployer
from microlambda.deploy.kinds.role import RoleDeployer
from microlambda.deploy.kinds.rule import RuleDeployer
from microlambda.deploy.kinds.schedule import ScheduleDeployer
from microlambda.deploy.kinds.schedule_group import ScheduleGroupDeployer
from microlambda.deploy.kinds.subscription import SubscriptionDeployer
from microlambda.deploy.kinds.usage_plan import UsagePlanDeployer
from microlambda.deploy.kinds.version import VersionDeployer

if TYPE_CHECKING:
    from microlambda.deploy.kinds.base import KindDeployer

DEPLOYERS: dict[str, KindDeployer[Any]] = {
    deployer.kind: deployer
    for deployer in (
        RoleDeployer(),
        LogGroupDeployer(),
        LayerDeployer(),
        FunctionDeployer(),
        VersionDeployer(),
        AliasDeployer(),
        MappingDeployer(),
        InvokeConfigDeployer(),
        HttpApiDeployer(),
        RestApiDeployer(),
        ApiKeyDeployer(),
        UsagePlanDeployer(),
        PermissionDeployer(),
        FunctionUrlDeployer(),
        RuleDeployer(),
        ScheduleGroupDeployer(),
        ScheduleDeployer(),
        SubscriptionDeployer(),
        LogSubscriptionDeployer(),
        BucketNotificationsDeployer(),
    )
}
