/** The Control Center of the product's serviceability SOAP interface (docs/control-center.md). */
export const NAMESPACE = 'http://schemas.cisco.com/ast/soap';
export const BASE_PATH = '/controlcenterservice2';
export const SOAP_PATH = `${BASE_PATH}/services/ControlCenterServices`;
