#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.ec2_launch_template."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_launch_template
short_description: Manage a launch template for an Auto Scaling group
version_added: 1.0.0
description:
  - Creates or deletes a launch template, and makes a new version of it when its data differs from the latest version.
  - The latest version becomes the default one. What an option does not say is inherited from the version before.
  - A template of that name which does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the template; one of more than 128 characters is cut and ends in a hash of the whole.
    type: str
    required: true
  image_id:
    description: Image of the instances. Required when O(state=present).
    type: str
  instance_type:
    description: Type of the instances. Required when O(state=present).
    type: str
  key_name:
    description: Key pair for logging in.
    type: str
  instance_profile_arn:
    description: ARN of the instances' profile.
    type: str
  security_group_ids:
    description: Security groups of the network interface.
    type: list
    elements: str
  subnet_id:
    description: Subnet of the network interface; give the group the same one.
    type: str
  associate_public_ip_address:
    description: Whether instances get a public address.
    type: bool
  block_device_mappings:
    description: All volumes besides the image's own.
    type: list
    elements: dict
    suboptions:
      device_name:
        description: Name of the device.
        type: str
        required: true
      volume_size:
        description: Size in GiB.
        type: int
      volume_type:
        description: Type of the volume, such as C(gp3).
        type: str
      encrypted:
        description: Whether it is encrypted.
        type: bool
      kms_key_id:
        description:
          - Key to encrypt it with. Needs C(encrypted).
          - The policy of a customer's key must let C(AWSServiceRoleForAutoScaling) use it and create grants, else
            instances end as soon as a group launches them.
        type: str
      delete_on_termination:
        description: Whether it is deleted with its instance.
        type: bool
        default: true
      iops:
        description: Operations a second of a gp3, io1 or io2 volume.
        type: int
      throughput:
        description: MiB a second of a gp3 volume.
        type: int
  metadata_options:
    description: The instances' metadata service.
    type: dict
    suboptions:
      http_tokens:
        description: Whether IMDSv2's tokens are needed.
        type: str
        choices: [required, optional]
        default: required
      http_put_response_hop_limit:
        description: Hops that a token may travel, 1 to 64.
        type: int
      http_endpoint:
        description: Whether the service answers at all.
        type: str
        choices: [enabled, disabled]
      instance_metadata_tags:
        description: Whether instances can read their own tags there.
        type: str
        choices: [enabled, disabled]
  disable_api_termination:
    description: Whether EC2 refuses to terminate the instances by its API. Auto Scaling does not ask it.
    type: bool
  instance_initiated_shutdown_behavior:
    description: What becomes of an instance that shuts itself down.
    type: str
    choices: [stop, terminate]
  user_data:
    description:
      - Text, not base64, of at most 16384 bytes that an instance runs when it starts.
      - Results and diffs show its SHA-256.
    type: str
  api_key_id:
    description:
      - Id of the API Gateway key whose value replaces C(@API_KEY@) in O(user_data).
      - The value is read in this module and is part of no result.
    type: str
  instance_tags:
    description: Tags of the instances, their volumes and their network interfaces.
    type: dict
  placement_group:
    description: Name of the instances' placement group.
    type: str
notes:
  - "IAM actions: C(ec2:DescribeLaunchTemplates), C(ec2:DescribeLaunchTemplateVersions), C(apigateway:GET) on the API key
    when O(api_key_id) is set; to write C(ec2:CreateLaunchTemplate), C(ec2:CreateLaunchTemplateVersion),
    C(ec2:ModifyLaunchTemplate), C(ec2:CreateTags), C(ec2:DeleteTags); to delete C(ec2:DeleteLaunchTemplate)."
  - AWS deletes a template that a group still uses, whose launches fail from then on; delete the group first.
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
- name: New instances like the cluster's own
  stateful.aws.ec2_launch_template:
    cluster: demo
    component: group
    name: stateful-demo
    image_id: ami-0123456789abcdef0
    instance_type: i3en.2xlarge
    instance_profile_arn: arn:aws:iam::123456789012:instance-profile/backends
    subnet_id: subnet-0123456789abcdef0
    security_group_ids: [sg-0123456789abcdef0]
    block_device_mappings:
      - device_name: /dev/xvda
        volume_size: 48
        volume_type: gp3
    disable_api_termination: true
    instance_initiated_shutdown_behavior: terminate
    user_data: "{{ lookup('ansible.builtin.file', 'first_start.sh') }}"
    api_key_id: "{{ api.apigateway_rest_api.api_key_id }}"
    instance_tags:
      Name: demo-backend

- name: Delete it
  stateful.aws.ec2_launch_template:
    cluster: demo
    name: stateful-demo
    state: absent
"""

RETURN = r"""
ec2_launch_template:
  description: The template with the data of its latest version, named as the options are; empty when it is absent.
  returned: always
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: stateful-demo
    launch_template_id:
      description: Its id.
      type: str
      sample: lt-0123456789abcdef0
    latest_version:
      description: Number of the latest version.
      type: int
      sample: 2
    default_version:
      description: Number of the default version.
      type: int
      sample: 2
    image_id:
      description: Image of the instances.
      type: str
    instance_type:
      description: Type of the instances.
      type: str
    user_data:
      description: SHA-256 of the user data.
      type: str
      sample: sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
    instance_tags:
      description: Tags of the instances, their volumes and network interfaces.
      type: dict
    tags:
      description: The template's own tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "ec2:CreateLaunchTemplateVersion", "reason": "launch new instances like this"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.ec2_launch_template import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
