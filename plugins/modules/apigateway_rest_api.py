#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.apigateway_rest_api."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apigateway_rest_api
short_description: Manage a REST API that one Lambda function answers
version_added: 1.0.0
description:
  - Creates, changes or deletes a REST API of API Gateway with one path and method, its stage, and a usage plan with an
    API key.
  - The API is deployed again whenever something that callers see has changed, and when a run was stopped before it
    deployed.
  - API, plan and key are found by the tags C(stateful:cluster) and C(stateful:name), because their names are not
    unique. What bears the name without these tags is somebody else's and stays untouched.
options:
  name:
    description: Name of the API, the usage plan and the key.
    type: str
    required: true
  description:
    description: Description of the API.
    type: str
  path:
    description: The one path that is served. Other paths of the API are removed.
    type: str
    default: /join
  method:
    description: The one method of the path. Other methods are removed.
    type: str
    choices: [GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY]
    default: GET
  stage:
    description: The one stage. Other stages of the API are removed.
    type: str
    default: default
  lambda_function_arn:
    description:
      - ARN of the function that answers, by proxy integration. Required when O(state=present).
      - The function must let C(apigateway.amazonaws.com) invoke it from RV(apigateway_rest_api.execute_arn); see
        O(stateful.aws.lambda_function#module:permissions).
    type: str
  api_key:
    description: Whether callers must bring an API key. If not, usage plan and key are removed.
    type: bool
    default: true
  throttle:
    description: Limits of the usage plan.
    type: dict
    suboptions:
      rate_limit:
        description: Requests a second.
        type: float
        default: 10
      burst_limit:
        description: Requests at once.
        type: int
        default: 20
  endpoint_type:
    description: Whether the API is called from the internet, or only through VPC endpoints.
    type: str
    choices: [regional, private]
    default: regional
  vpc_id:
    description: The VPC from which a private API is called; others are denied.
    type: str
  vpc_endpoint_ids:
    description:
      - VPC endpoints through which a private API is called; others are denied.
      - Each adds a DNS name C(API-ENDPOINT.execute-api.REGION.amazonaws.com).
    type: list
    elements: str
  policy:
    description:
      - The resource policy, compared by meaning. When it is not set, a private API has one that denies callers outside
        O(vpc_id) and O(vpc_endpoint_ids), and a regional one has none.
      - Use C(execute-api:/*) for the API itself.
    type: json
notes:
  - AWS allows one deletion of a REST API in 30 seconds and one change of a usage plan in 20; this module waits.
  - The key's value is never read nor returned. A new key may be refused for about a minute.
  - "IAM actions: C(apigateway:GET), C(apigateway:POST), C(apigateway:PUT), C(apigateway:PATCH), C(apigateway:DELETE)
    on C(/restapis), C(/usageplans), C(/apikeys), C(/tags) and what is below them; C(apigateway:UpdateRestApiPolicy)
    for a policy."
extends_documentation_fragment:
  - stateful.aws.resource
  - stateful.aws.resource.tags
  - stateful.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: The API that new instances ask to join
  stateful.aws.apigateway_rest_api:
    cluster: demo
    component: join
    name: stateful-demo
    lambda_function_arn: arn:aws:lambda:us-east-1:123456789012:function:stateful-demo-join
    throttle:
      rate_limit: 5
      burst_limit: 10

- name: One that only instances of a VPC can call
  stateful.aws.apigateway_rest_api:
    cluster: demo
    component: join
    name: stateful-demo
    lambda_function_arn: arn:aws:lambda:us-east-1:123456789012:function:stateful-demo-join
    endpoint_type: private
    vpc_id: vpc-0123456789abcdef0

- name: Delete API, usage plan and key
  stateful.aws.apigateway_rest_api:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
apigateway_rest_api:
  description: The API; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Name of API, plan and key.
      type: str
      sample: stateful-demo
    api_id:
      description: Id of the API.
      type: str
      sample: a1b2c3d4e5
    invoke_url:
      description: Where it is called; below the endpoint when one is given that is not AWS's.
      type: str
      sample: https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com/default/join
    execute_arn:
      description: ARN of the method, for the function's permission.
      type: str
      sample: arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/default/GET/join
    api_key_id:
      description: Id of the API key, never its value. Missing without a key.
      type: str
    usage_plan_id:
      description: Id of the usage plan. Missing without a key.
      type: str
    stage:
      description: The stage.
      type: str
      sample: default
    path:
      description: The path.
      type: str
      sample: /join
    method:
      description: The method.
      type: str
      sample: GET
    lambda_function_arn:
      description: ARN of the function that answers.
      type: str
    description:
      description: Description of the API.
      type: str
    endpoint_type:
      description: V(regional) or V(private).
      type: str
    vpc_endpoint_ids:
      description: Its VPC endpoints.
      type: list
    policy:
      description: Its resource policy; empty without one.
      type: dict
    throttle:
      description: Limits of the usage plan.
      type: dict
    deployed:
      description: Hash of what is deployed.
      type: str
    authorization:
      description: How callers are authorized besides the key.
      type: str
      sample: NONE
    api_key_required:
      description: Whether the method asks for a key.
      type: bool
    api_key:
      description: Whether there is an enabled key.
      type: bool
    usage_plan:
      description: Whether there is a usage plan.
      type: bool
    linked:
      description: Whether the key is in the plan.
      type: bool
    attached:
      description: Whether the stage is in the plan.
      type: bool
    other_paths:
      description: Paths besides ours.
      type: dict
    other_methods:
      description: Methods besides ours.
      type: list
    other_stages:
      description: Stages besides ours.
      type: list
    other_plan_stages:
      description: Stages in the plan besides ours.
      type: list
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "apigateway:CreateDeployment", "reason": "let callers see the changes"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.apigateway_rest_api import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
